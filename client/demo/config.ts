/** What the page's server tells it: which cloud, whom to trust. In production the trust is built into the app, and comes from no server. */
import type { Measurements } from '../../lib/attestation/policy.ts'
import type { Trust } from '../trust.ts'

export interface DemoConfig {
  readonly apiUrl: string
  /** As tokens name it. */
  readonly issuer: string
  /** Where a browser finds it. */
  readonly loginUrl: string
  readonly clientId: string
  /** JSON-RPC of the local Ethereum chain. */
  readonly chainUrl: string | null
  /** DER of the attestation root, base64. */
  readonly root: string
  readonly measurements: readonly Measurements[]
}

export async function loadConfig(): Promise<DemoConfig> {
  const response = await fetch('/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error('the page has no configuration')
  return (await response.json()) as DemoConfig
}

export function trustOf({ root, measurements }: DemoConfig): Trust {
  return { root: Uint8Array.from(atob(root), (character) => character.charCodeAt(0)), measurements }
}
