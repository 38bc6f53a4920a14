/** EIP-6963: announces a provider to the page, so that dapps find it beside others. */
import type { CloisterProvider } from './eip1193.ts'

export interface ProviderInfo {
  /** UUIDv4, of this page load. */
  readonly uuid: string
  readonly name: string
  /** A `data:` URI of a square image. */
  readonly icon: `data:image/${string}`
  /** Reverse domain name, e.g. `com.example.wallet`. */
  readonly rdns: string
}

/** @param target - where the events go: the window. @returns stops announcing */
export function announceProvider(provider: CloisterProvider, info: Omit<ProviderInfo, 'uuid'>, target: EventTarget = globalThis): () => void {
  const detail = Object.freeze({ info: Object.freeze({ uuid: crypto.randomUUID(), ...info }), provider })
  const announce = (): void => void target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  target.addEventListener('eip6963:requestProvider', announce)
  announce()
  return () => target.removeEventListener('eip6963:requestProvider', announce)
}
