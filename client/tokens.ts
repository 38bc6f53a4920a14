/** The ID token, renewed when it has run out. */
import { fromBase64url } from '../lib/protocol/bytes.ts'

export interface Tokens {
  /** @throws what logging in throws */
  at(nowMs: number, signal?: AbortSignal): Promise<string>
}

/** A token that runs out while it travels is no use. */
const MARGIN_MS = 10_000

/** Whether it has run out is read from the token itself: a relay that says so would have PINs typed, and tried, twice. */
export function createTokens(first: string, renew?: (signal?: AbortSignal) => Promise<string>): Tokens {
  let token = first
  let renewal: Promise<string> | undefined
  return {
    async at(nowMs, signal) {
      if (renew === undefined || nowMs + MARGIN_MS < expiryMs(token)) return token
      renewal ??= renew(signal).finally(() => (renewal = undefined))
      token = await renewal
      return token
    },
  }
}

/** `exp` of a JWT (RFC 7519 §4.1.4), unverified; without a readable one: never. */
function expiryMs(token: string): number {
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(fromBase64url(token.split('.')[1] ?? '')))
    const { exp } = claims as { readonly exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
