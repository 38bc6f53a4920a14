/** A decoder as a fuzzer sees it: what it is fed, what it may answer, and what its answer must come back to. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { concat } from '../../../lib/protocol/bytes.ts'
import { CloisterError, type ErrorCode } from '../../../lib/protocol/errors.ts'
import { Malformed } from '../../../lib/protocol/fields.ts'
import { edit, editBytes, editText, type Edit } from './edits.ts'
import { CBOR, DER, editTree, RLP } from './trees.ts'
import { editValue } from './values.ts'

/** Numbers that stand for one input; see {@link Target.input}. */
interface Sample {
  readonly seed: number
  readonly other: number
  readonly edits: readonly Edit[]
  /** Instead of an edited seed. */
  readonly noise: Uint8Array | null
}

export const sample: fc.Arbitrary<Sample> = fc.record({
  seed: fc.nat(0xffff),
  other: fc.nat(0xffff),
  edits: fc.oneof({ weight: 5, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) }, { weight: 2, arbitrary: fc.array(edit, { maxLength: 8 }) }),
  noise: fc.oneof({ weight: 14, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) }),
})

type Outcome = 'accepted' | 'refused'

/** A line of the table. */
export interface Row {
  /** `path function`, for each exported function that is tried by it; the first names it. */
  readonly covers: readonly string[]
  readonly make: () => Target | Promise<Target>
}

export const row = (covers: string | readonly string[], make: Row['make']): Row => ({ covers: typeof covers === 'string' ? [covers] : covers, make })

export interface Target {
  readonly seeds: number
  /** Feeds one input. Rejects when the decoder did what it must not. */
  readonly attempt: (input: unknown) => Promise<Outcome>
  readonly input: (sample: Sample) => unknown
  readonly seed: (index: number) => unknown
  /** Inputs made to be slow, up to about `size` bytes. */
  readonly nasty: (size: number) => readonly unknown[]
}

interface Common<Input, Result> {
  readonly seeds: readonly Input[]
  /** `undefined` is a refusal. */
  readonly decode: (input: Input) => Result | undefined | Promise<Result | undefined>
  /** What may be thrown; nothing, when left out. */
  readonly throws?: (error: unknown) => boolean
  /** What the result came from: for formats that have one encoding each. */
  readonly encode?: (result: Result, input: Input) => Input | Promise<Input>
}

/** Byte strings, edited as bytes or as what they are made of. */
export function bytesTarget<Result>(form: 'raw' | 'cbor' | 'rlp' | 'der' | 'json', common: Common<Uint8Array, Result>): Target {
  const change = (bytes: Uint8Array, by: Edit, other: Uint8Array): Uint8Array => {
    const inner = { ...by, how: by.how >> 2 }
    if (form === 'raw' || by.how % 4 === 0) return editBytes(bytes, inner, other)
    return form === 'json' ? editJson(bytes, inner, other) : editTree({ cbor: CBOR, rlp: RLP, der: DER }[form], bytes, inner, other)
  }
  const noise = (bytes: Uint8Array): Uint8Array => bytes
  return makeTarget(common, change, noise, (size) => nastyBytes(size, common.seeds[0] ?? new Uint8Array()))
}

export function textTarget<Result>(common: Common<string, Result>): Target {
  const noise = (bytes: Uint8Array): string => Buffer.from(bytes).toString(bytes.length % 2 === 0 ? 'latin1' : 'utf8')
  return makeTarget(common, editText, noise, (size) => nastyText(size, common.seeds[0] ?? ''))
}

/** Decoded CBOR or JSON. */
export function valueTarget<Result>(kind: 'cbor' | 'json', common: Common<unknown, Result>): Target {
  const change = (value: unknown, by: Edit, other: unknown): unknown => editValue(value, by, other, kind === 'json')
  const noise = (bytes: Uint8Array): unknown => (kind === 'cbor' && bytes.length % 2 === 0 ? bytes : [...bytes])
  return makeTarget(common, change, noise, (size) => nastyValues(size, common.seeds[0]))
}

function makeTarget<Input, Result>(
  { seeds, decode, throws = () => false, encode }: Common<Input, Result>,
  change: (input: Input, by: Edit, other: Input) => Input,
  noise: (bytes: Uint8Array) => Input,
  nasty: (size: number) => readonly Input[],
): Target {
  const at = (index: number): Input => copy(seeds[index % seeds.length] as Input)
  return {
    seeds: seeds.length,
    seed: at,
    nasty,
    input: ({ seed, other, edits, noise: bytes }) => (bytes === null ? edits.reduce((input, by) => change(input, by, at(other)), at(seed)) : noise(bytes)),
    async attempt(given) {
      const input = given as Input
      const before = copy(input)
      const result = await outcomeOf(decode, input, throws)
      if (!same(input, before)) throw new Error('the input was changed')
      if (result === undefined) return 'refused'
      if (encode !== undefined && !same(await encode(result, input), before)) throw new Error('accepted, and encoded otherwise')
      return 'accepted'
    },
  }
}

/** `structuredClone` makes objects of another realm under jest. */
function copy<T>(value: T): T {
  if (value instanceof Uint8Array) return new Uint8Array(value) as T
  if (Array.isArray(value)) return value.map(copy) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copy(one as unknown)])) as T
}

/** Quick where it can be. A Buffer's bytes are bytes. */
function same(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0
  return one === other || isDeepStrictEqual(one, other)
}

async function outcomeOf<Input, Result>(decode: Common<Input, Result>['decode'], input: Input, throws: (error: unknown) => boolean): Promise<Result | undefined> {
  try {
    return await decode(input)
  } catch (error) {
    if (throws(error)) return undefined
    throw new Error('threw what is not its own', { cause: error })
  }
}

export const malformed = (error: unknown): boolean => error instanceof Malformed

/** A CloisterError of one of these codes; an ending `*` stands for the rest of one. */
export function codes(...allowed: readonly (ErrorCode | `${string}*`)[]): (error: unknown) => boolean {
  return (error) => error instanceof CloisterError && allowed.some((code) => (code.endsWith('*') ? error.code.startsWith(code.slice(0, -1)) : error.code === code))
}

function editJson(bytes: Uint8Array, by: Edit, other: Uint8Array): Uint8Array {
  const [value, donor] = [parse(bytes), parse(other)]
  if (value === undefined) return editBytes(bytes, by, other)
  const text = JSON.stringify(editValue(value, by, donor ?? null, true), undefined, by.value % 5 === 0 ? 1 : undefined)
  return new Uint8Array(Buffer.from(by.value % 11 === 0 ? text.replace('{', '{"a":1,"a":2,') : text))
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

const nastyBySize = new Map<number, readonly Uint8Array[]>()

function nastyBytes(size: number, seed: Uint8Array): readonly Uint8Array[] {
  const general = nastyBySize.get(size) ?? nastyOfAny(size)
  nastyBySize.set(size, general)
  const repeated = Buffer.alloc(size, seed.length === 0 ? Uint8Array.of(0) : seed)
  return [...general, new Uint8Array(repeated), concat(seed, new Uint8Array(size)), concat(seed.subarray(0, -1), new Uint8Array(size).fill(0x20))]
}

/** Depth, repetition and lengths that promise what isn't there. */
function nastyOfAny(size: number): readonly Uint8Array[] {
  const repeated = (unit: readonly number[], times: number, end: readonly number[] = []): Uint8Array =>
    concat(times === 0 ? new Uint8Array() : Buffer.alloc(times * unit.length, Uint8Array.from(unit)), Uint8Array.from(end))
  const fill = (unit: readonly number[], end: readonly number[] = []): Uint8Array => repeated(unit, Math.floor((size - end.length) / unit.length), end)
  // How deep is too deep depends on the stack: every depth up to there, in steps.
  const depths: number[] = []
  for (let depth = 16; depth < size; depth = Math.ceil(depth * 1.1)) depths.push(depth)
  const deep = depths.flatMap((depth) => [repeated([0x81], depth, [0]), repeated([0xa1, 0x61, 0x61], Math.ceil(depth / 3), [0])])
  const text = (unit: string, end = ''): Uint8Array => fill([...Buffer.from(unit)], [...Buffer.from(end)])
  const nestedJson = (depth: number): Uint8Array => new Uint8Array(Buffer.from('['.repeat(depth) + ']'.repeat(depth)))
  const half = Math.floor(size / 2)
  return [
    // CBOR: arrays, maps, tags and indefinite strings in one another
    fill([0x81]), fill([0x81], [0]), fill([0xa1, 0x61, 0x61], [0]), fill([0x9f]), fill([0xbf, 0x61, 0x61]), fill([0xc1], [0]), fill([0xd8, 0x18], [0]), fill([0x5f]), fill([0x7f]),
    Uint8Array.from([0x9b, 0, 0, 0, 1, 0, 0, 0, 0]), Uint8Array.from([0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Uint8Array.from([0x5b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Uint8Array.from([0x9a, 0, 0xff, 0xff, 0xff, ...new Uint8Array(size)]), Uint8Array.from([0x9a, 0, size >> 16, (size >> 8) & 0xff, size & 0xff, ...new Uint8Array(size)]),
    ...deep,
    // RLP, DER
    fill([0xc0]), fill([0xf8, 0xff]), fill([0xfa, 0xff, 0xff, 0xff]), fill([0x30, 0x80]), fill([0x30, 0x80, 0xa0, 0x80]), fill([0x30, 0x82, 0xff, 0xff]), fill([0x04, 0x00]), fill([0x05, 0x00]),
    // text and JSON
    text('['), text('[', ']'.repeat(half)), nestedJson(20_000), nestedJson(5000), nestedJson(300), text('{"a":', '1'), text('{"a":[', '1'), text('"'), text('\\'), text('"\\'), text('1'), text('[1,'), text(' '), text('\n'), text('a '), text('a.'), text('\u{e9}'),
    new Uint8Array(size), new Uint8Array(size).fill(0xff), new Uint8Array(size).fill(0x7f),
  ]
}

function nastyText(size: number, seed: string): string[] {
  const units = ['a', 'A', '0', '-', '.', ' ', '\n', '\t', 'a.', 'a ', '[', '{"a":', '(', '((a', '"', '\\', '%', '%2', '=', '*', '*a', '?', '**', '${', '${a}', ':', '::', '/', ',', ', ', ';', '#', 'AND ', '<', '&', '\u{1f680}']
  return [...units.flatMap((unit) => [unit.repeat(Math.ceil(size / unit.length)), `${unit.repeat(Math.ceil(size / unit.length))}!`, seed + unit.repeat(size / unit.length)]), seed.repeat(Math.ceil(size / Math.max(1, seed.length)))]
}

function nastyValues(size: number, seed: unknown): unknown[] {
  const many = Object.fromEntries(Array.from({ length: Math.min(size >> 4, 20_000) }, (_, index) => [`k${index}`, index]))
  const inside = (by: unknown): unknown[] => (typeof seed === 'object' && seed !== null ? Object.keys(seed).slice(0, 30).map((key) => ({ ...seed, [key]: by })) : [])
  const bad = [many, 'a'.repeat(size), ' '.repeat(size), '*a'.repeat(size >> 1), Array(Math.min(size, 100_000)).fill(0), Array(Math.min(size >> 4, 20_000)).fill('a')]
  return [...bad, ...bad.flatMap(inside), ...inside(nest(300)), nest(300)]
}

const nest = (depth: number): unknown => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1)
