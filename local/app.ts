/** What an app needs of a running `npm start`: for scripts, examples and whoever tries. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measurements } from '../lib/attestation/policy.ts'
import { login } from './login.ts'

/** Options for `connect` of client/connect.ts. */
interface LocalApp {
  readonly url: string
  readonly trust: { readonly root: Uint8Array; readonly measurements: readonly Measurements[] }
  readonly login: (request: { readonly nonce: string }) => Promise<string>
}

/** @param stateDir - of `npm start`. @throws Error when it never ran there */
export async function localApp(username: string, stateDir = '.local'): Promise<LocalApp> {
  const saved = JSON.parse(await readFile(join(stateDir, 'trust.json'), 'utf8')) as {
    url: string; root: string; measurements: readonly Measurements[]; issuer: string; clientId: string
  }
  const ca = await readFile(join(stateDir, 'tls', 'ca.pem'), 'utf8')
  const { url, root, measurements, issuer, clientId } = saved
  return {
    url,
    trust: { root: new Uint8Array(Buffer.from(root, 'base64')), measurements },
    login: ({ nonce }) => login({ issuer, clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca }),
  }
}
