/**
 * Logs in with an OpenID provider: authorization code with PKCE (RFC 7636, S256), in a window of its own, so that this page keeps its client key.
 * The code comes back by way of {@link CALLBACK_CHANNEL}, from a page of our own origin, and is worth nothing without the verifier, which stays here.
 */
import { toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import { CALLBACK_CHANNEL } from './channel.ts'
import type { DemoConfig } from './config.ts'

interface LoginRequest {
  readonly config: DemoConfig
  /** The OpenID `nonce` that binds the token to the client key. */
  readonly nonce: string
  readonly signal: AbortSignal
  /** Ask who it is even where the provider remembers somebody: after a log-out. */
  readonly askAgain: boolean
  /** Opens the window; false when the browser would not. */
  readonly open: (url: string) => boolean
}

/** The provider said no, or nothing that makes sense. Carries a sentence for its user. */
export class LoginError extends Error {}

/** The login's window is closed by what comes back, or by its user. Resolves to the ID token. @throws LoginError */
export async function logIn({ config, nonce, signal, askAgain, open }: LoginRequest): Promise<string> {
  const { authorizationEndpoint, tokenEndpoint } = await discover(config)
  const verifier = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  const state = toBase64url(crypto.getRandomValues(new Uint8Array(16)))
  const redirectUri = new URL('/callback', location.origin).href
  const url = new URL(authorizationEndpoint)
  const query = {
    response_type: 'code', scope: 'openid', client_id: config.clientId, redirect_uri: redirectUri, nonce, state,
    code_challenge: toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(verifier)))), code_challenge_method: 'S256',
    ...(askAgain ? { prompt: 'login' } : {}),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const answer = codeFor(state, signal)
  open(url.href)
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: config.clientId, redirect_uri: redirectUri, code: await answer, code_verifier: verifier })
  const response = await fetch(tokenEndpoint, { method: 'POST', body, credentials: 'omit', cache: 'no-store', signal }).catch(() => {
    throw new LoginError('The login provider can not be reached.')
  })
  const { id_token: token } = (await response.json().catch(() => ({}))) as { id_token?: unknown }
  if (!response.ok || typeof token !== 'string') throw new LoginError('The login provider gave no token.')
  return token
}

/** Who a token is for, to show: nothing is decided by it here, for the relay and the enclave verify it. */
export function subjectOf(token: string): string {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')
    return String((JSON.parse(atob(payload)) as { sub?: unknown }).sub ?? '')
  } catch {
    return ''
  }
}

async function discover({ loginUrl, issuer }: DemoConfig): Promise<{ authorizationEndpoint: string; tokenEndpoint: string }> {
  const unreachable = new LoginError('The login provider can not be reached.')
  const response = await fetch(new URL('/.well-known/openid-configuration', loginUrl), { credentials: 'omit', cache: 'no-store' }).catch(() => undefined)
  if (!response?.ok) throw unreachable
  const found = (await response.json()) as Readonly<Record<string, unknown>>
  const { authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint } = found
  const origin = new URL(loginUrl).origin
  const isOurs = (url: unknown): url is string => typeof url === 'string' && URL.parse(url)?.origin === origin
  if (found['issuer'] !== issuer || !isOurs(authorizationEndpoint) || !isOurs(tokenEndpoint)) throw new LoginError('The login provider is not the one that this page was made for.')
  return { authorizationEndpoint, tokenEndpoint }
}

/** What /callback tells: the query that the provider sent its window back with. */
function codeFor(state: string, signal: AbortSignal): Promise<string> {
  const channel = new BroadcastChannel(CALLBACK_CHANNEL)
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const answer = new URLSearchParams(typeof data === 'string' ? data : '')
      // Another tab's login, perhaps.
      if (answer.get('state') !== state) return
      const code = answer.get('code')
      if (code === null) reject(new LoginError('The login was refused.'))
      else resolve(code)
    })
  }).finally(() => channel.close())
}
