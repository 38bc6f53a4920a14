/** EIP-712's types: the grammar of their names, what a struct refers to, and `encodeType`. */
import { Malformed } from '../../../protocol/fields.ts'
import { exactObject, jsonObject, jsonString, type Json } from '../strict-json.ts'

export interface Field {
  readonly name: string
  readonly type: string
}

/** Structs by name, each with its fields in order. */
export type Types = ReadonlyMap<string, readonly Field[]>

const MAX_TYPES = 64
const MAX_FIELDS = 256
/** Characters of a type, brackets and all. */
const MAX_TYPE = 256
/** Solidity's identifiers: nothing that could pass for punctuation in `encodeType`. */
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]{0,127}$/
const ARRAY = /^(.*)\[([1-9][0-9]{0,8})?\]$/
/** A struct can't take the name of a type that there is, or looks as if there were (`uint7`, `bytes33`, `fixed`). */
const RESERVED = /^(address|bool|string|bytes[0-9]*|u?int[0-9]*|u?fixed([0-9]+x[0-9]+)?|byte|function)$/

/** `Foo[2][]` → `Foo[2]`, and no length: how it reads from the outside in. `undefined` for what is no array. */
export function arrayType(type: string): { readonly item: string; readonly length: number | undefined } | undefined {
  const match = ARRAY.exec(type)
  if (match === null) return undefined
  return { item: match[1] as string, length: match[2] === undefined ? undefined : Number(match[2]) }
}

/**
 * Atomic and dynamic types. `uint` and `int` aren't in EIP-712, yet the common libraries take them, all in the same way: as 256 bits, under the name
 * that was given.
 */
export function isElementary(type: string): boolean {
  const bits = /^u?int([1-9][0-9]{0,2})?$/.exec(type)
  if (bits !== null) return bits[1] === undefined || (Number(bits[1]) % 8 === 0 && Number(bits[1]) <= 256)
  const length = /^bytes([1-9][0-9]?)$/.exec(type)?.[1]
  return length === undefined ? ['address', 'bool', 'string', 'bytes'].includes(type) : Number(length) <= 32
}

/** What a type is made of, its arrays aside. */
function baseType(type: string): string {
  let base = type
  for (let array = arrayType(base); array !== undefined; array = arrayType(base)) base = array.item
  return base
}

/** Reads `types`; each name in it must lead somewhere. @throws Malformed */
export function readTypes(value: Json | undefined): Types {
  const types = new Map<string, readonly Field[]>()
  const given = jsonObject(value)
  if (given.size > MAX_TYPES) throw new Malformed()
  for (const [name, fields] of given) {
    if (!IDENTIFIER.test(name) || RESERVED.test(name)) throw new Malformed()
    types.set(name, readFields(fields))
  }
  for (const fields of types.values()) {
    for (const { type } of fields) if (!isElementary(baseType(type)) && !types.has(baseType(type))) throw new Malformed()
  }
  return types
}

function readFields(value: Json): readonly Field[] {
  if (!Array.isArray(value) || value.length > MAX_FIELDS) throw new Malformed()
  const fields = value.map((item: Json): Field => {
    const field = exactObject(item, ['name', 'type'])
    const [name, type] = [jsonString(field.get('name')), jsonString(field.get('type'))]
    if (!IDENTIFIER.test(name) || type.length > MAX_TYPE) throw new Malformed()
    return { name, type }
  })
  if (new Set(fields.map(({ name }) => name)).size !== fields.length) throw new Malformed()
  return fields
}

/** The struct, then those that it refers to, however indirectly, by name (EIP-712, definition of encodeType). @throws Malformed */
export function encodeType(types: Types, primary: string): string {
  const found = new Set<string>()
  const open = [primary]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    open.push(...fieldsOf(types, name).map(({ type }) => baseType(type)).filter((type) => types.has(type)))
  }
  found.delete(primary)
  return [primary, ...[...found].toSorted(byCodeUnit)].map((name) => `${name}(${describeFields(fieldsOf(types, name))})`).join('')
}

export function describeFields(fields: readonly Field[]): string {
  return fields.map(({ name, type }) => `${type} ${name}`).join(',')
}

/** @throws Malformed */
export function fieldsOf(types: Types, name: string): readonly Field[] {
  const fields = types.get(name)
  if (fields === undefined) throw new Malformed()
  return fields
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
