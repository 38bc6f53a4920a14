/**
 * A recovery code as people copy it: 128 bits and a checksum of 12, in Crockford's base32 alphabet (no I, L, O, U), 28 characters in seven
 * groups of four: `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`.
 */
import { framed, LABELS } from './labels.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CODE_BYTES = 16
const CHARACTERS = 28
const GROUP = 4

/** @param code 16 bytes. It becomes a string, which can't be wiped: it is for showing, once. */
export async function formatRecoveryCode(code: Uint8Array): Promise<string> {
  if (code.length !== CODE_BYTES) throw new Error('a recovery code is 16 bytes')
  const bits = (bytesToBigInt(code) << 12n) | (await checksum(code))
  let characters = ''
  for (let i = CHARACTERS - 1; i >= 0; i--) characters += ALPHABET[Number((bits >> BigInt(5 * i)) & 31n)]
  return (characters.match(new RegExp(`.{${GROUP}}`, 'g')) as string[]).join('-')
}

/** Reads a code in either case, with or without separators, and with I, L, O for 1, 1, 0. Returns `undefined` for a mistyped one. */
export async function parseRecoveryCode(text: string): Promise<Uint8Array | undefined> {
  const characters = text.toUpperCase().replace(/[\s-]/g, '').replace(/[IL]/g, '1').replace(/O/g, '0')
  if (characters.length !== CHARACTERS) return undefined
  let bits = 0n
  for (const character of characters) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return undefined
    bits = (bits << 5n) | BigInt(value)
  }
  const code = new Uint8Array(CODE_BYTES)
  for (let i = 0; i < CODE_BYTES; i++) code[CODE_BYTES - 1 - i] = Number((bits >> BigInt(12 + 8 * i)) & 255n)
  return (bits & 0xfffn) === (await checksum(code)) ? code : undefined
}

/** The first 12 bits of SHA-256(label ‖ code). */
async function checksum(code: Uint8Array): Promise<bigint> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', framed(LABELS.recoveryChecksum, code)))
  return (BigInt(digest[0] as number) << 4n) | BigInt((digest[1] as number) >> 4)
}

function bytesToBigInt(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}
