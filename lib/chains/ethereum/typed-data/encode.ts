/**
 * EIP-712's `hashStruct`, and in the same walk a line for each value that goes into it: what is shown can't differ from what is hashed.
 *
 * Version V4 is EIP-712 with one addition of MetaMask's: a struct that is `null` or not there hashes to 32 zeros, so that a struct may refer to itself.
 * Version V3 came before arrays, and leaves out a struct that is not there.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, utf8 } from '../../../protocol/bytes.ts'
import { CloisterError } from '../../../protocol/errors.ts'
import { Malformed } from '../../../protocol/fields.ts'
import { jsonObject, type Json } from '../strict-json.ts'
import { arrayType, encodeType, fieldsOf, type Types } from './types.ts'
import { readValue, wordOf } from './values.ts'

/** Characters of `encodeType` that one message may come to: types that all refer to each other are hashed over and over. */
const MAX_TYPE_TEXT = 128 * 1024
/** Characters of all paths together: long names of deep structs are said again for each value in them. */
const MAX_PATH_TEXT = 256 * 1024

type Version = 'V3' | 'V4'

/** Path of a value (`message.to[0].name`) and the value as text, in the order in which they are hashed. */
export type Line = readonly [path: string, text: string, isMistyped?: boolean]

interface Encoder {
  /** keccak256(typeHash ‖ encodeData), 32 bytes. @throws Malformed, CloisterError `tx_too_large` */
  hashStruct(name: string, value: Json | undefined, path: string): Uint8Array
  /** What `hashStruct` hashes. @throws Malformed */
  encodeData(name: string, value: Json | undefined, path: string): Uint8Array
  readonly lines: readonly Line[]
}

export function createEncoder(types: Types, version: Version): Encoder {
  const lines: Line[] = []
  const typeHashes = new Map<string, Uint8Array>()

  let typeText = 0
  let pathText = 0

  const addLine = (...line: Line): void => {
    pathText += line[0].length
    if (pathText > MAX_PATH_TEXT) throw new CloisterError('tx_too_large')
    lines.push(line)
  }

  const typeHash = (name: string): Uint8Array => {
    const known = typeHashes.get(name)
    if (known !== undefined) return known
    const text = encodeType(types, name)
    typeText += text.length
    if (typeText > MAX_TYPE_TEXT) throw new Malformed()
    const hash = keccak_256(utf8(text))
    typeHashes.set(name, hash)
    return hash
  }

  const encodeData = (name: string, value: Json | undefined, path: string): Uint8Array => {
    const members = jsonObject(value)
    const fields = fieldsOf(types, name)
    // What isn't in the type would be shown to nobody and signed by nobody, and whoever wrote it meant something by it.
    const names = new Set(fields.map((field) => field.name))
    for (const member of members.keys()) if (!names.has(member)) throw new Malformed()
    if (fields.length === 0) addLine(path, '{}')
    const parts = [typeHash(name)]
    for (const field of fields) {
      const part = encodeField(field.type, members.get(field.name), `${path}.${field.name}`)
      if (part !== undefined) parts.push(part)
    }
    return concat(...parts)
  }

  const encodeField = (type: string, value: Json | undefined, path: string): Uint8Array | undefined => {
    const array = arrayType(type)
    if (array !== undefined) return encodeArray(array, value, path)
    if (types.has(type)) {
      if (value !== undefined && (value !== null || version === 'V3')) return keccak_256(encodeData(type, value, path))
      addLine(path, 'null')
      return version === 'V3' ? undefined : new Uint8Array(32)
    }
    // Text that is null is taken for empty text, as MetaMask has it.
    const read = readValue(type, type === 'string' && value === null ? '' : value)
    addLine(path, read.text, read.isMistyped ?? false)
    return wordOf(type, read)
  }

  const encodeArray = ({ item, length }: NonNullable<ReturnType<typeof arrayType>>, value: Json | undefined, path: string): Uint8Array => {
    if (version === 'V3' || !Array.isArray(value) || (length !== undefined && value.length !== length)) throw new Malformed()
    const items = value as readonly Json[]
    if (items.length === 0) addLine(path, '[]')
    return keccak_256(concat(...items.map((one, index) => encodeField(item, one, `${path}[${index}]`) as Uint8Array)))
  }

  return { encodeData, hashStruct: (name, value, path) => keccak_256(encodeData(name, value, path)), lines }
}
