/**
 * A real OpenID provider on this machine: authorization code with PKCE (S256), ID tokens by RS256, any user name. It is oidc-provider, with
 * everything switched off that an app does not need to log in.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { interactionPolicy, Provider, type Grant, type KoaContext } from 'oidc-provider'
import { openKeys, rotate, type IssuerKeys } from './issuer/keys.ts'
import { serveLogin } from './issuer/page.ts'
import { createStore } from './issuer/store.ts'
import { createFaults, meetFault, type Faults } from './faults.ts'
import type { AddressInfo } from 'node:net'
import { listen, listenTls, send, type Listening, type Service, type TlsServerOptions } from './serve.ts'

interface ClientOptions {
  readonly clientId: string
  /** Where codes may be sent. On loopback by `http:`, any port will do (RFC 8252 §7.3). */
  readonly redirectUris: readonly string[]
}

export interface IssuerOptions {
  /** State directory: holds `issuer.json`. */
  readonly dir: string
  /** 0 = any free port; the issuer's name contains it. */
  readonly port: number
  readonly tls: TlsServerOptions
  /** Of the same provider by plain HTTP, on loopback: a browser would warn of a certificate that only this machine vouches for. 0 = any free port. */
  readonly browserPort?: number
  /** Public clients; their ids are the tokens' audiences. */
  readonly clients: readonly ClientOptions[]
  /** Web origins that may call the token endpoint from a browser. */
  readonly corsOrigins?: readonly string[]
  /** One hour when absent. */
  readonly idTokenSec?: number
  readonly faults?: Faults
}

export interface Issuer extends Service {
  /** Where a browser on this machine logs in. Tokens name {@link Service.url} all the same. */
  readonly browserUrl: string
  /** May be changed while it runs. Operations are paths, such as `/jwks`. */
  readonly faults: Faults
  /** Signs with a new key from now on. `keepPrevious` false also withdraws the key before it. */
  readonly rotateKeys: (options?: { readonly keepPrevious?: boolean }) => Promise<void>
}

/** The client of the demo, without the demo's own addresses. */
export const DEMO_CLIENT: ClientOptions = { clientId: 'cloister-demo', redirectUris: ['http://127.0.0.1/callback', 'http://localhost/callback'] }

export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { dir, port, tls, faults = createFaults() } = options
  let keys = await openKeys(dir)
  const store = createStore(Date.now)
  let provider: Provider | undefined
  const answer: RequestListener = (request, response) => {
    if (provider !== undefined) void serve(provider, faults, request, response).catch(() => send(response, 500, {}, ''))
  }
  const listening = await listenTls(port, tls, answer)
  const browser = await listenPlain(options.browserPort ?? 0, answer).catch(async (error: unknown) => {
    await listening.close()
    throw error
  })
  const close = async (): Promise<void> => void (await Promise.all([listening.close(), browser.close()]))
  const url = `https://localhost:${listening.port}`
  const build = (): Provider => new Provider(url, configuration(options, keys, store))
  try {
    provider = build()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    browserUrl: `http://127.0.0.1:${browser.port}`,
    close,
    faults,
    rotateKeys: async ({ keepPrevious = true } = {}) => {
      keys = await rotate(dir, keys, keepPrevious)
      provider = build()
    },
  }
}

async function listenPlain(port: number, answer: RequestListener): Promise<Listening> {
  const server = createServer(answer)
  const { close } = await listen(server, { host: '127.0.0.1', port })
  return { port: (server.address() as AddressInfo).port, close }
}

async function serve(provider: Provider, faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fault = await meetFault(faults, (request.url ?? '').split('?')[0] as string)
  if (fault === 'hang') return
  if (fault === 'stall') return void response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{')
  if (fault === 'down' || fault === 'lost') return void request.socket.destroy()
  if (fault === 'throttle' || fault === 'error') return send(response, fault === 'throttle' ? 429 : 500, {}, '')
  if (!(await serveLogin(provider, request, response))) provider.callback()(request, response)
}

/** Every default that oidc-provider would print a notice about is given. */
function configuration(options: IssuerOptions, keys: IssuerKeys, store: ReturnType<typeof createStore>): Readonly<Record<string, unknown>> {
  const { clients, corsOrigins = [], idTokenSec = 3600 } = options
  const policy = interactionPolicy.base()
  policy.remove('consent')
  const off = { enabled: false }
  return {
    adapter: store,
    clients: clients.map(toClient),
    jwks: { keys: keys.signing },
    cookies: { keys: keys.cookies },
    responseTypes: ['code'],
    scopes: ['openid'],
    pkce: { required: () => true },
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    interactions: { policy, url: (_ctx: KoaContext, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: KoaContext, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
    loadExistingGrant: consent,
    clientBasedCORS: (_ctx: KoaContext, origin: string) => corsOrigins.includes(origin),
    renderError: (ctx: KoaContext, out: { readonly error: string }) => {
      ctx.type = 'text'
      ctx.body = out.error
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 86_400, IdToken: idTokenSec, Interaction: 600, Session: 86_400 },
    features: {
      devInteractions: off, dPoP: off, pushedAuthorizationRequests: off, resourceIndicators: off, revocation: off, rpInitiatedLogout: off,
      userinfo: off,
    },
  }
}

function toClient({ clientId, redirectUris }: ClientOptions): Readonly<Record<string, unknown>> {
  // Only for native apps is the port of a loopback address left open; those may have no `https:` one.
  const native = redirectUris.every((uri) => !uri.startsWith('https://localhost') && !uri.startsWith('https://127.0.0.1'))
  return {
    client_id: clientId,
    application_type: native ? 'native' : 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: redirectUris,
    id_token_signed_response_alg: 'RS256',
  }
}

/** Logging in is consent enough. */
async function consent({ oidc }: KoaContext): Promise<Grant | undefined> {
  const { provider, client, session } = oidc
  const known = session.grantIdFor(client.clientId)
  if (known !== undefined) return provider.Grant.find(known)
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope('openid')
  await grant.save()
  return grant
}
