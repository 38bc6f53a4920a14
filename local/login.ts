/** Logs in to the local issuer as a browser would, with authorization code and PKCE: for scripts and tests. */
import { createHash, randomBytes } from 'node:crypto'
import { httpsRequest, type HttpsAnswer } from './https.ts'

export interface LoginOptions {
  /** Issuer URL. */
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly username: string
  /** Becomes the ID token's `nonce`. */
  readonly nonce: string
  /** Certificate of the issuer's authority, PEM. */
  readonly ca: string
}

const maxRedirects = 8

/** Resolves to the ID token, a compact JWS. Rejects with the step that failed, and nothing of what was sent. */
export async function login({ issuer, clientId, redirectUri, username, nonce, ca }: LoginOptions): Promise<string> {
  const browser = createBrowser(ca, issuer)
  const discovery = json(await browser('GET', `${issuer}/.well-known/openid-configuration`), 'discovery')
  const { authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint } = discovery
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code', scope: 'openid', client_id: clientId, redirect_uri: redirectUri, nonce, state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  })

  let at = `${authorizationEndpoint as string}?${query.toString()}`
  let answer = await browser('GET', at)
  for (let step = 0; step < maxRedirects; step++) {
    const next = answer.headers.location === undefined ? undefined : new URL(answer.headers.location, at)
    if (next === undefined) {
      if (answer.status !== 200) throw new Error(`login failed with status ${answer.status}`)
      answer = await browser('POST', at, { username })
    } else if (next.href.startsWith(`${redirectUri}?`)) {
      const code = next.searchParams.get('code')
      if (code === null || next.searchParams.get('state') !== state) throw new Error('login was refused')
      const form = { grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri, code, code_verifier: verifier }
      const { id_token: idToken } = json(await browser('POST', tokenEndpoint as string, form), 'token endpoint')
      if (typeof idToken !== 'string') throw new Error('no ID token')
      return idToken
    } else {
      at = next.href
      answer = await browser('GET', at)
    }
  }
  throw new Error('too many redirects')
}

/** Keeps cookies by name, and sends nothing to anyone but the issuer. */
function createBrowser(ca: string, issuer: string): (method: 'GET' | 'POST', url: string, form?: Record<string, string>) => Promise<HttpsAnswer> {
  const cookies = new Map<string, string>()
  return async (method, url, form) => {
    if (new URL(url).origin !== new URL(issuer).origin) throw new Error('the login leads away from the issuer')
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(cookie !== '' && { cookie }), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) }
    const body = form && new URLSearchParams(form).toString()
    const answer = await httpsRequest({ url, ca, method, headers, ...(body !== undefined && { body }) })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
      if (name === undefined || value === undefined) continue
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return answer
  }
}

function json({ status, text }: HttpsAnswer, what: string): Record<string, unknown> {
  if (status !== 200) throw new Error(`${what} answered with status ${status}`)
  return JSON.parse(text) as Record<string, unknown>
}
