/** The login page: one field, no script, no password. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { readBody, send } from '../serve.ts'

const html = (hint: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Local test login</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, 'DejaVu Sans', sans-serif }
  body { max-width: 22rem; margin: 12vh auto; padding: 0 1rem; background: light-dark(#f3f5f9, #0b1119); color: light-dark(#16202e, #e8edf5) }
  input, button { font: inherit; padding: .625rem .875rem; width: 100%; box-sizing: border-box; margin-top: .5rem; border-radius: .75rem }
  input { border: 1px solid light-dark(#8593a8, #5b6b84); background: light-dark(#fff, #141c28); color: inherit }
  button { margin-top: 1rem; border: 0; font-weight: 600; cursor: pointer; background: light-dark(#2349b8, #9db8ff); color: light-dark(#fff, #0b1320) }
</style>
<h1>Log in</h1>
<p>This is a local test provider: it asks no password. Anyone on this machine can be anyone.</p>
<form method="post">
  <label>User name <input name="username" required autofocus maxlength="64" autocomplete="username"></label>
  <button>Log in</button>
</form>
<p>${hint}</p>
`

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
}

/**
 * Serves `/interaction/…`: shows the form, or takes it and goes on with the login.
 *
 * @returns false when the path is another
 */
export async function serveLogin(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const { method, url = '' } = request
  if (!/^\/interaction\/[\w-]+$/.test(url)) return false
  // Rejects without the cookie of a login under way.
  const known = await provider.interactionDetails(request, response).catch(() => undefined)
  if (known === undefined) {
    send(response, 400, headers, html('This login is over. Go back to the app and start again.'))
    return true
  }
  if (method !== 'POST') {
    // Asked anew although somebody is logged in (`prompt=login`): whoever comes may be somebody else, so this browser forgets the one before.
    if (known.session !== undefined) return forget(response, known.params)
    send(response, 200, headers, html(''))
    return true
  }
  const body = await readBody(request)
  const accountId = toSubject(new URLSearchParams(body?.toString('utf8') ?? '').get('username') ?? '')
  if (accountId === '') send(response, 400, headers, html('Letters, digits and . _ @ - please.'))
  else await provider.interactionFinished(request, response, { login: { accountId, remember: false } })
  return true
}

/** A user name becomes the token's `sub` with foreign characters left out. */
export function toSubject(username: string): string {
  return username.replace(/[^A-Za-z0-9._@-]/g, '').slice(0, 64)
}

/** Back to where the login began, without the session. */
function forget(response: ServerResponse, params: Readonly<Record<string, unknown>>): true {
  const query = new URLSearchParams(Object.entries(params).map(([name, value]) => [name, String(value)]))
  response.setHeader('set-cookie', ['_session', '_session.sig'].map((name) => `${name}=; Path=/; Max-Age=0; HttpOnly`))
  send(response, 303, { ...headers, location: `/auth?${query.toString()}` }, '')
  return true
}
