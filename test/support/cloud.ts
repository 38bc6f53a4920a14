/** For end-to-end tests: the local cloud in this process, so that faults can be injected, and the API under serverless offline beside it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importJWK, SignJWT, type JWK, type JWTPayload } from 'jose'
import { createClientKey, loginNonce, type ClientKey } from '../../client/client-key.ts'
import { connect, type Cloister } from '../../client/connect.ts'
import { login } from '../../local/login.ts'
import { startStack, type Stack, type StackOptions } from '../../local/stack.ts'
import { startApi, type Api } from '../../scripts/local-api.ts'

const ROOT = process.cwd()

export interface LoggedIn {
  readonly token: string
  readonly clientKey: ClientKey
}

export interface Cloud {
  readonly stack: Stack
  readonly url: string
  readonly lambdaUrl: string
  readonly stateDir: string
  readonly logFile: string
  /** With `tap`: every byte that the relay's sockets carried. */
  readonly tapFile: string
  /** Logs in at the real provider, bound to a fresh client key. */
  logIn(username: string): Promise<LoggedIn>
  /** Signs a token with the provider's own key: for those that it would never give. */
  forge(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>
  connect(username: string): Promise<Cloister>
  call(method: string, path: string, init?: { readonly token?: string; readonly body?: string; readonly headers?: Record<string, string> }): Promise<HttpAnswer>
  close(): Promise<void>
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly json: Readonly<Record<string, unknown>>
}

export async function startCloud(options: Partial<StackOptions> = {}, { tap = false } = {}): Promise<Cloud> {
  const stateDir = await mkdtemp(join(tmpdir(), 'cloister-test-'))
  const stack = await startStack({ root: ROOT, stateDir, chain: false, origins: ['http://app.example'], ...options })
  const envFile = join(stateDir, 'env.json')
  await writeFile(envFile, JSON.stringify(stack.env))
  const tapFile = join(stateDir, 'tap.bin')
  const tapEnv = { NODE_OPTIONS: `--require=${join(ROOT, 'test', 'support', 'tap.cjs')}`, CLOISTER_TAP: tapFile }
  let api: Api | undefined
  const close = async (): Promise<void> => {
    await api?.close()
    await stack.close()
    await rm(stateDir, { recursive: true, force: true })
  }
  try {
    api = await startApi({ root: ROOT, stateDir: join(stateDir, 'api'), port: 0, stackFile: envFile, env: tap ? tapEnv : {} })
  } catch (error) {
    await close()
    throw error
  }
  const { url, lambdaUrl, logFile } = api

  const tokenFor = (username: string, nonce: string): Promise<string> =>
    login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca: stack.caPem })

  return {
    stack,
    url,
    lambdaUrl,
    stateDir,
    logFile,
    tapFile,
    async logIn(username) {
      const clientKey = await createClientKey()
      return { clientKey, token: await tokenFor(username, await loginNonce(clientKey)) }
    },
    async forge(claims, header = {}) {
      const saved = JSON.parse(await readFile(join(stateDir, 'issuer', 'issuer.json'), 'utf8')) as { signing: JWK[] }
      const jwk = saved.signing[0] as JWK
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: jwk.kid ?? '', ...header }).sign(await importJWK(jwk, 'RS256'))
    },
    connect: (username) => connect({ url, trust: stack.trust, login: ({ nonce }) => tokenFor(username, nonce) }),
    async call(method, path, { token, body, headers = {} } = {}) {
      const response = await fetch(new URL(path, url), {
        method,
        headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
    },
    close,
  }
}
