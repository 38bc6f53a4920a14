/**
 * Messages that are no transactions.
 *
 * Accepted: Solana's off-chain messages (they begin with a signing domain that no transaction can begin with), version 0 in the form of the
 * specification (application domain, signers) and in the short one that the Solana SDK and its CLI write, and version 1; and plain text, as
 * wallets sign it for apps (Wallet Standard, `solana:signMessage`).
 *
 * Text is UTF-8 that doesn't begin with a control character. So it is no transaction's message: a legacy one begins with the number of its
 * signers, and 32 of them (a space) with their signatures are more than a packet holds; a versioned one begins with 0x80 and its version,
 * and UTF-8 begins with no byte from 0x80 to 0xc1, which is every version up to 65. Other bytes are refused: nobody can read them.
 */
import { concat, equal, utf8 } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { decodeUtf8, visible } from '../text.ts'
import { cursorOver, type Cursor } from './cursor.ts'

interface Message {
  readonly kind: 'offchain_message' | 'sign_message'
  readonly fields: Readonly<Record<string, string>>
  /** Addresses of all who are to sign it; `null` where it doesn't say. */
  readonly signers: readonly string[] | null
  readonly warnings: readonly string[]
}

const DOMAIN = concat(Uint8Array.of(0xff), utf8('solana offchain'))
/** Whole, for what hardware wallets can sign (formats 0 and 1). */
const MAX_PACKET_BYTES = 1232
/** Whole, in the short form. */
const MAX_SHORT_BYTES = 65_535
const FORMATS = ['restricted ASCII', 'UTF-8, limited', 'UTF-8, extended']

/** @throws CloisterError `message_malformed` */
export function readMessage(data: Uint8Array): Message {
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('message_malformed')
  if (data[0] === 0xff) return readOffchain(data)
  const message = readText(data)
  if (message === undefined || /^\p{Cc}/u.test(message)) throw new CloisterError('message_malformed')
  return { kind: 'sign_message', signers: null, ...shown({}, message) }
}

function readOffchain(data: Uint8Array): Message {
  if (!equal(data.subarray(0, DOMAIN.length), DOMAIN)) throw new CloisterError('message_malformed')
  const body = data.subarray(DOMAIN.length + 1)
  const forms = data[DOMAIN.length] === 0 ? [attempt(readVersion0, body), attempt(readShortVersion0, body)] : [data[DOMAIN.length] === 1 ? attempt(readVersion1, body) : undefined]
  const [message, another] = forms.filter((form) => form !== undefined)
  // An application domain could be chosen such that the same bytes are two messages: then nobody can say which was meant.
  if (message === undefined || another !== undefined) throw new CloisterError('message_malformed')
  return message
}

/** Application domain, format, signers, length, text. */
function readVersion0(cursor: Cursor, bodyBytes: number): Message {
  const applicationDomain = cursor.key()
  const format = cursor.u8()
  const signers = readSigners(cursor)
  const text = readFormatted(cursor, format, cursor.u16(), bodyBytes)
  return offchain(text, signers, { version: '0', applicationDomain, format: FORMATS[format] as string })
}

/** Format, length, text: it names neither application nor signer. */
function readShortVersion0(cursor: Cursor, bodyBytes: number): Message {
  if (DOMAIN.length + 1 + bodyBytes > MAX_SHORT_BYTES) cursor.fail()
  const format = cursor.u8()
  const text = readFormatted(cursor, format, cursor.u16(), bodyBytes)
  return offchain(text, null, { version: '0, short', format: FORMATS[format] as string })
}

/** Signers, in ascending order, each once; text to the end. */
function readVersion1(cursor: Cursor): Message {
  const signers = readSigners(cursor, true)
  const text = readText(cursor.bytes(cursor.left())) ?? cursor.fail()
  return offchain(text, signers, { version: '1' })
}

function readFormatted(cursor: Cursor, format: number, length: number, bodyBytes: number): string {
  if (length !== cursor.left() || format > 2) cursor.fail()
  if (format < 2 && DOMAIN.length + 1 + bodyBytes > MAX_PACKET_BYTES) cursor.fail()
  const text = readText(cursor.bytes(length)) ?? cursor.fail()
  if (format === 0 && !/^[\x20-\x7e]+$/.test(text)) cursor.fail()
  return text
}

function readSigners(cursor: Cursor, isSorted = false): readonly string[] {
  const count = cursor.u8()
  if (count === 0) cursor.fail()
  const keys = Array.from({ length: count }, () => cursor.bytes(32))
  const isAbove = (key: Uint8Array, index: number): boolean => index === 0 || compare(keys[index - 1] as Uint8Array, key) < 0
  if (isSorted && !keys.every(isAbove)) cursor.fail()
  return keys.map((key) => cursorOver(key, 'message_malformed').key())
}

function offchain(message: string, signers: readonly string[] | null, about: Record<string, string>): Message {
  return { kind: 'offchain_message', signers, ...shown({ ...about, ...(signers === null ? {} : { signers: signers.join(' ') }) }, message) }
}

/** UTF-8, and something at all. */
function readText(bytes: Uint8Array): string | undefined {
  return decodeUtf8(bytes) || undefined
}

/** What hides is written out. */
function shown(about: Record<string, string>, message: string): Pick<Message, 'fields' | 'warnings'> {
  const { text, isHidden } = visible(message)
  return { fields: { ...about, message: text }, warnings: isHidden ? ['hidden_characters'] : [] }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index])
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number)
}

function attempt(read: (cursor: Cursor, bodyBytes: number) => Message, body: Uint8Array): Message | undefined {
  try {
    return read(cursorOver(body, 'message_malformed'), body.length)
  } catch (error) {
    if (error instanceof CloisterError) return undefined
    throw error
  }
}
