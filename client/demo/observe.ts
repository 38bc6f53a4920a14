/** What leaves this page for the relay, byte for byte: so that the page can show it. Nothing is changed on the way. */
import { fromBase64url } from '../../lib/protocol/bytes.ts'
import { decodeHeader, type Operation } from '../../lib/protocol/header.ts'

/** One sealed request, as the relay had it in hand. */
export interface Exchange {
  readonly op: Operation
  readonly wallet: string
  /** Channel key id, 16 bytes. */
  readonly key: Uint8Array
  readonly enc: Uint8Array
  readonly ciphertext: Uint8Array
  readonly answer: Uint8Array
  readonly status: number
}

/** @param told of each exchange, once it was answered */
export function observedFetch(told: (exchange: Exchange) => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (init?.method === 'POST' && typeof init.body === 'string') {
      const exchange = await read(init.body, response.clone()).catch(() => undefined)
      if (exchange !== undefined) told(exchange)
    }
    return response
  }
}

async function read(body: string, response: Response): Promise<Exchange | undefined> {
  const bytes = (value: unknown): Uint8Array => (typeof value === 'string' ? fromBase64url(value) : undefined) ?? new Uint8Array()
  const sent = JSON.parse(body) as Readonly<Record<string, unknown>>
  const got = (await response.json()) as Readonly<Record<string, unknown>>
  const header = decodeHeader(bytes(sent['header']))
  if (header === undefined) return undefined
  return { ...header, enc: bytes(sent['enc']), ciphertext: bytes(sent['ciphertext']), answer: bytes(got['answer']), status: response.status }
}
