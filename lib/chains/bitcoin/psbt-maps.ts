/**
 * The frame of a PSBT (BIP-174): magic, then maps of `<key length> <key> <value length> <value>`, each closed by 0x00. Kept as it came, so that what is
 * handed back is what was handed in.
 *
 * Refused: lengths not in shortest form, a key twice in one map, more or fewer maps than the PSBT says itself, anything after the last.
 */
import { CompactSizeLen, RawOldTx } from '@scure/btc-signer/script.js'
import { concat, equal, toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'

/** One entry of a map; its key begins with the type. */
interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export type PsbtMap = readonly Entry[]

export interface PsbtMaps {
  readonly version: 0 | 2
  readonly global: PsbtMap
  readonly inputs: readonly PsbtMap[]
  readonly outputs: readonly PsbtMap[]
}

export const GLOBAL = { UNSIGNED_TX: 0x00, INPUT_COUNT: 0x04, OUTPUT_COUNT: 0x05, TX_MODIFIABLE: 0x06, VERSION: 0xfb } as const
export const INPUT = { PARTIAL_SIG: 0x02, TAP_KEY_SIG: 0x13 } as const
export const OUTPUT = { AMOUNT: 0x03 } as const

/** `psbt`, 0xff. */
const MAGIC = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff)

/** @throws CloisterError `tx_type_unknown`, `tx_malformed`, `tx_not_canonical`, `tx_trailing_bytes` */
export function readMaps(bytes: Uint8Array): PsbtMaps {
  if (bytes.length === 0) throw new CloisterError('tx_malformed')
  if (!equal(bytes.subarray(0, 4), MAGIC.subarray(0, 4))) throw new CloisterError('tx_type_unknown')
  if (!equal(bytes.subarray(0, 5), MAGIC)) throw new CloisterError('tx_malformed')
  const reader = readerOf(bytes, MAGIC.length)
  const global = readMap(reader)
  const version = versionOf(global)
  const counts = countsOf(global, version)
  const inputs = Array.from(upTo(counts.inputs), () => readMap(reader))
  const outputs = Array.from(upTo(counts.outputs), () => readMap(reader))
  if (!reader.atEnd()) throw new CloisterError('tx_trailing_bytes')
  return { version, global, inputs, outputs }
}

export function writeMaps({ global, inputs, outputs }: PsbtMaps): Uint8Array {
  return concat(MAGIC, ...[global, ...inputs, ...outputs].flatMap((map) => [...map.flatMap(({ key, value }) => [sized(key), sized(value)]), Uint8Array.of(0)]))
}

/** The value under a key that is its type alone. */
export function valueOf(map: PsbtMap, type: number): Uint8Array | undefined {
  return map.find(({ key }) => key.length === 1 && key[0] === type)?.value
}

/** A map with an entry more, or with another value under a key that it has. */
export function withEntry(map: PsbtMap, key: Uint8Array, value: Uint8Array): PsbtMap {
  const has = map.some((entry) => equal(entry.key, key))
  return has ? map.map((entry) => (equal(entry.key, key) ? { key, value } : entry)) : [...map, { key, value }]
}

interface Reader {
  atEnd(): boolean
  compactSize(): number
  take(length: number): Uint8Array
}

function readerOf(bytes: Uint8Array, start: number): Reader {
  let at = start
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new CloisterError('tx_malformed')
    at += length
    return bytes.subarray(at - length, at)
  }
  const compactSize = (): number => {
    const first = take(1)[0] as number
    if (first < 0xfd) return first
    let value = 0
    for (const [i, byte] of take(2 ** (first - 0xfc)).entries()) value += byte * 2 ** (8 * i)
    const smallest = first === 0xfd ? 0xfd : first === 0xfe ? 0x10000 : 0x100000000
    if (value < smallest) throw new CloisterError('tx_not_canonical')
    return value
  }
  return { atEnd: () => at === bytes.length, compactSize, take }
}

function readMap(reader: Reader): PsbtMap {
  const entries: Entry[] = []
  const seen = new Set<string>()
  for (;;) {
    const length = reader.compactSize()
    if (length === 0) return entries
    const key = reader.take(length)
    const name = toHex(key)
    if (seen.has(name)) throw new CloisterError('tx_malformed')
    seen.add(name)
    entries.push({ key, value: reader.take(reader.compactSize()) })
  }
}

function versionOf(global: PsbtMap): 0 | 2 {
  const value = valueOf(global, GLOBAL.VERSION)
  if (value === undefined) return 0
  if (value.length !== 4) throw new CloisterError('tx_malformed')
  const version = new DataView(value.buffer, value.byteOffset).getUint32(0, true)
  if (version !== 0 && version !== 2) throw new CloisterError('tx_type_unknown')
  return version
}

function countsOf(global: PsbtMap, version: 0 | 2): { readonly inputs: number; readonly outputs: number } {
  const [unsignedTx, inputs, outputs] = [GLOBAL.UNSIGNED_TX, GLOBAL.INPUT_COUNT, GLOBAL.OUTPUT_COUNT].map((type) => valueOf(global, type))
  try {
    if (version === 0 && unsignedTx !== undefined) {
      const tx = RawOldTx.decode(unsignedTx)
      return { inputs: tx.inputs.length, outputs: tx.outputs.length }
    }
    if (version === 2 && inputs !== undefined && outputs !== undefined) return { inputs: CompactSizeLen.decode(inputs), outputs: CompactSizeLen.decode(outputs) }
  } catch {
    // refused below
  }
  throw new CloisterError('tx_malformed')
}

/** Counts without a list of that length: a PSBT may claim any number. */
function* upTo(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(CompactSizeLen.encode(bytes.length), bytes)
}
