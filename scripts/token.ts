/** `npm run token -- USER`: an ID token from the OpenID provider of a running `npm start`, on stdout. It is bound to no client key: it lists wallets. */
import { randomBytes } from 'node:crypto'
import { localApp } from '../local/app.ts'

try {
  const { login } = await localApp(process.argv[2] ?? 'alice')
  console.log(await login({ nonce: randomBytes(32).toString('base64url') }))
} catch {
  console.error('token: no answer from the local OpenID provider. Is "npm start" running?')
  process.exitCode = 1
}
