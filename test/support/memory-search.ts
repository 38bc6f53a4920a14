/** Finds any of thousands of secrets in gigabytes of memory in one pass, whole or in part, in each form in which it may lie there. */
import type { Region } from './memory-image.ts'

/** Shorter pieces are not searched for: they would be found by chance. */
const PIECE_BYTES = 16

export interface Secret {
  /** What it is, without which one: `data key`. */
  readonly kind: string
  /** Which one, where there are many. */
  readonly label?: string
  readonly bytes: Uint8Array
  /** A text as well as bytes: in UTF-16 too. */
  readonly text?: boolean
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
export function formsOf({ bytes, text, scalar }: Secret): readonly (readonly [string, Buffer])[] {
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
  if (text === true) texts.push(['text', raw.toString('latin1')])
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

const BITS = 22
const slot = (word: number): number => Math.imul(word, 0x9e3779b1) >>> (32 - BITS)

/** @returns a function that looks through one region after the other */
export function createSearch(secrets: readonly Secret[]): (region: Region) => readonly Hit[] {
  const pieces = new Map<number, Piece[]>()
  const table = new Uint8Array(2 ** BITS)
  for (const secret of secrets) {
    for (const [form, all] of formsOf(secret)) {
      const ends = all.length > PIECE_BYTES ? [0, all.length - PIECE_BYTES] : [0]
      for (const offset of ends) {
        const bytes = all.subarray(offset, offset + PIECE_BYTES)
        if (bytes.length < 8) throw new Error('too short to be searched for')
        const word = bytes.readInt32LE(0)
        table[slot(word)] = 1
        pieces.set(word, [...(pieces.get(word) ?? []), { secret, form, bytes, offset, all }])
      }
    }
  }

  return ({ name, start, bytes }) => {
    const hits: Hit[] = []
    let word = 0
    for (let end = 0; end < bytes.length; end++) {
      word = (word >>> 8) | ((bytes[end] as number) << 24)
      if (end < 3 || table[slot(word)] === 0) continue
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
