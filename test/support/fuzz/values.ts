/** Edits of decoded values, CBOR's and JSON's alike: what a reader of fields meets after a codec. */
import { editBytes, editText, type Edit } from './edits.ts'

const SCALARS: readonly unknown[] = [
  null, true, false, 0, 1, -1, 2, 16, 255, 65_536, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, '', 'x', 'a b', '0', '-1', 'sign', 'null', '[object Object]', 'constructor', '__proto__',
]
const KEYS = ['extra', '__proto__', 'constructor', 'toString', 'length', '', '0', 'ok', 'kind', 'toJSON']

interface Place {
  readonly value: unknown
  readonly path: readonly string[]
}

/** A copy with one edit. @param isJson no bytes then, but fractions */
export function editValue(value: unknown, edit: Edit, other: unknown, isJson: boolean): unknown {
  const all = placesOf(value)
  const { path, value: at } = all[edit.at % all.length] as Place
  const donors = placesOf(other)
  const donor = (donors[edit.to % donors.length] as Place).value
  return replace(value, path, changed(at, edit, donor, isJson))
}

function changed(at: unknown, edit: Edit, donor: unknown, isJson: boolean): unknown {
  const { how, value, length, to } = edit
  const inner = { ...edit, how: value, at: to }
  switch (how % 9) {
    case 0: return GONE
    case 1: return odd(value, length, isJson)
    case 2: return donor
    case 3: return Array.from({ length: Math.min(length, 300) }, () => at)
    case 4: return deep(at, Math.min(length, 300), value % 2 === 0)
  }
  if (typeof at === 'string') return editText(at, inner, typeof donor === 'string' ? donor : 'other')
  if (at instanceof Uint8Array) return editBytes(at, inner, donor instanceof Uint8Array ? donor : new Uint8Array(length))
  if (typeof at === 'number') return isJson && value % 7 === 0 ? at + 0.5 : at + (value % 2 === 0 ? 1 : -1) * (value % 1000 === 0 ? 2 ** 40 : value % 3)
  if (Array.isArray(at)) return how % 2 === 0 ? [...at, donor] : at.toReversed()
  if (typeof at === 'object' && at !== null) return withKey(at, KEYS[value % KEYS.length] as string, donor, to)
  return donor
}

/** An entry more, or one of another name. */
function withKey(of: object, key: string, value: unknown, at: number): unknown {
  const entries = Object.entries(of)
  if (at % 2 === 0 || entries.length === 0) return Object.fromEntries([...entries, [key, value]])
  return Object.fromEntries(entries.map(([name, one], index) => [index === at % entries.length ? key : name, one]))
}

function odd(which: number, length: number, isJson: boolean): unknown {
  const more = [[], {}, 'x'.repeat(length), Array.from({ length: Math.min(length, 300) }, () => 0), ...(isJson ? [0.5, 1e300, -0.1] : [new Uint8Array(length), new Uint8Array()])]
  const all = [...SCALARS, ...more]
  return all[which % all.length]
}

function deep(value: unknown, depth: number, isList: boolean): unknown {
  let out = value
  for (let i = 0; i < depth; i++) out = isList ? [out] : { a: out }
  return out
}

const GONE = Symbol('gone')

function replace(value: unknown, path: readonly string[], by: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return by === GONE ? null : by
  if (Array.isArray(value)) return value.map((one: unknown, index) => (String(index) === key ? replaceIn(one, rest, by) : one)).filter((one) => one !== GONE)
  return Object.fromEntries(Object.entries(value as object).map(([name, one]) => [name, name === key ? replaceIn(one, rest, by) : (one as unknown)]).filter(([, one]) => one !== GONE))
}

const replaceIn = (value: unknown, path: readonly string[], by: unknown): unknown => (path.length === 0 ? by : replace(value, path, by))

function placesOf(value: unknown, path: readonly string[] = [], out: Place[] = []): Place[] {
  if (out.length > 2000) return out
  out.push({ value, path })
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && path.length < 60) {
    for (const [name, one] of Object.entries(value)) placesOf(one, [...path, name], out)
  }
  return out
}
