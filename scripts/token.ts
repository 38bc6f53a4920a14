/** `npm run token -- USER`: an ID token from the local OpenID provider of a running `npm start`, on stdout. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { login } from '../local/login.ts'
import { randomBytes } from 'node:crypto'

const state = join(import.meta.dirname, '..', '.local')
try {
  const trust = JSON.parse(await readFile(join(state, 'trust.json'), 'utf8')) as { issuer: string; clientId: string }
  const ca = await readFile(join(state, 'tls', 'ca.pem'), 'utf8')
  const nonce = randomBytes(32).toString('base64url')
  console.log(await login({ issuer: trust.issuer, clientId: trust.clientId, redirectUri: 'http://127.0.0.1/callback', username: process.argv[2] ?? 'alice', nonce, ca }))
} catch {
  console.error('token: no answer from the local OpenID provider. Is "npm start" running?')
  process.exitCode = 1
}
