/** Finds any of thousands of secrets in gigabytes of memory in one pass, whole or in part, in each form in which it may lie there. */
import type { Region } from './memory-image.ts'

/** Shorter pieces are not searched for: they would be found by chance. */
const PIECE_BYTES = 16
/** So are two words of a mnemonic, in any English text. */
const PROSE_CHARACTERS = 32

export interface Secret {
  /** What it is, without which one: `data key`. */
  readonly kind: string
  /** Which one, where there are many. */
  readonly label?: string
  readonly bytes: Uint8Array
  /** A text as well as bytes: in UTF-16 too. `prose`: of English words. */
  readonly text?: boolean | 'prose'
  /** A number as well as bytes: as BigInts and OpenSSL's numbers are laid out, too. */
  readonly scalar?: boolean
}

export interface Hit {
  readonly kind: string
  readonly label: string
  readonly form: string
  /** Whether all of it is there, or its first or last 16 bytes alone. */
  readonly whole: boolean
  readonly region: string
  readonly address: number
}

interface Piece {
  readonly secret: Secret
  readonly form: string
  readonly bytes: Buffer
  /** Where in the form it is. */
  readonly offset: number
  readonly all: Buffer
}

/** Every form of one secret, by name. */
function formsOf({ bytes, text, scalar }: Secret): readonly (readonly [string, Buffer])[] {
  const raw = Buffer.from(bytes)
  const texts: [string, string][] = [
    ['hex', raw.toString('hex')],
    ['HEX', raw.toString('hex').toUpperCase()],
  ]
  for (let lead = 0; lead < 3; lead++) {
    // What comes before shifts the alignment; the first and last characters depend on the neighbours, so they are cut off.
    const inner = Buffer.concat([Buffer.alloc(lead), raw]).toString('base64').replace(/=+$/, '').slice(lead === 0 ? 0 : 4, -2)
    texts.push([`base64 +${lead}`, inner], [`base64url +${lead}`, inner.replaceAll('+', '-').replaceAll('/', '_')])
  }
  if (text !== undefined && text !== false) texts.push(['text', raw.toString('latin1')])
  const found: [string, Buffer][] = [['raw', raw]]
  for (const [form, value] of texts) {
    if (form !== 'text') found.push([form, Buffer.from(value, 'latin1')])
    found.push([`${form}, UTF-16`, Buffer.from(value, 'utf16le')])
  }
  if (scalar === true) {
    found.push(['number', Buffer.from(raw).reverse()])
    const limbs = Buffer.from(raw)
    for (let i = 0; i + 8 <= limbs.length; i += 8) limbs.subarray(i, i + 8).reverse()
    found.push(['number, first limb first', limbs])
  }
  const seen = new Set<string>()
  return found.filter(([, form]) => !seen.has(form.toString('latin1')) && seen.add(form.toString('latin1')))
}

/** Bits of the first question asked of every byte: this many fit a processor's nearest cache. */
const FIRST_BITS = 18
const BITS = 22
// Jest looks each global up anew, which here would be for every byte.
const { imul } = Math

function pieceLength({ text }: Secret, form: string): number {
  if (text !== 'prose' || (form !== 'raw' && !form.startsWith('text'))) return PIECE_BYTES
  return form === 'raw' ? PROSE_CHARACTERS : 2 * PROSE_CHARACTERS
}

/** @returns a function that looks through one region after the other */
export function createSearch(secrets: readonly Secret[]): (region: Region) => readonly Hit[] {
  const pieces = new Map<number, Piece[]>()
  const first = new Uint8Array(2 ** FIRST_BITS / 8)
  const table = new Uint8Array(2 ** BITS)
  for (const secret of secrets) {
    for (const [form, all] of formsOf(secret)) {
      const length = pieceLength(secret, form)
      const ends = all.length > length ? [0, all.length - length] : [0]
      for (const offset of ends) {
        const bytes = all.subarray(offset, offset + length)
        if (bytes.length < 8) throw new Error('too short to be searched for')
        const word = bytes.readInt32LE(0)
        const hash = imul(word, 0x9e3779b1)
        const bit = hash >>> (32 - FIRST_BITS)
        first[bit >>> 3] = (first[bit >>> 3] as number) | (1 << (bit & 7))
        table[hash >>> (32 - BITS)] = 1
        pieces.set(word, [...(pieces.get(word) ?? []), { secret, form, bytes, offset, all }])
      }
    }
  }

  return ({ name, start, bytes }) => {
    const hits: Hit[] = []
    const { length } = bytes
    let word = 0
    for (let end = 0; end < length; end++) {
      word = (word >>> 8) | ((bytes[end] as number) << 24)
      const hash = imul(word, 0x9e3779b1)
      const bit = hash >>> (32 - FIRST_BITS)
      if (((first[bit >>> 3] as number) & (1 << (bit & 7))) === 0 || table[hash >>> (32 - BITS)] === 0 || end < 3) continue
      for (const piece of pieces.get(word | 0) ?? []) {
        const at = end - 3
        if (!bytes.subarray(at, at + piece.bytes.length).equals(piece.bytes)) continue
        const from = at - piece.offset
        const whole = from >= 0 && bytes.subarray(from, from + piece.all.length).equals(piece.all)
        if (whole && piece.offset > 0) continue // counted at its first piece
        const { kind, label = '' } = piece.secret
        hits.push({ kind, label, form: piece.form, whole, region: name, address: start + at })
      }
    }
    return hits
  }
}

/** Hits counted by kind, form and completeness: `{'data key, raw, whole': 3}`. Overlapping parts of memory count once. */
export function tally(hits: readonly Hit[]): Readonly<Record<string, number>> {
  const seen = new Set<string>()
  const counts: Record<string, number> = {}
  for (const { kind, form, whole, address } of hits) {
    const place = `${kind} ${form} ${address}`
    if (seen.has(place)) continue
    seen.add(place)
    const name = `${kind}, ${form}${whole ? '' : ', in part'}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
