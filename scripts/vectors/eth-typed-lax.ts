/**
 * What eth-sig-util takes and EIP-712 doesn't know: a number for text, a short address, a byte too many. Judged by looking at types and values alone,
 * so that a refusal which has no such reason is a failure.
 */
import { isObject, type Json } from './fields.ts'

type Struct = readonly { readonly name: string; readonly type: string }[]

const DOMAIN_FIELDS = ['name', 'version', 'chainId', 'verifyingContract', 'salt']

export function isLaxCall(name: string, args: readonly unknown[]): boolean {
  if (name === 'encodeData' || name === 'hashStruct') {
    const [primary, data, types, version] = args
    return isLaxStruct(types as Json, primary as string, data, version === 'V3')
  }
  const [first] = args
  const isWrapped = isObject(first) && 'data' in first
  const data = isWrapped ? first['data'] : first
  if (Array.isArray(data)) return data.some((entry: Json) => isLaxValue(String(entry['type']), entry['value']))
  return isObject(data) && isLaxMessage(data, (isWrapped ? first['version'] : args[1]) === 'V3')
}

function isLaxMessage(data: Json, isV3: boolean): boolean {
  const { types, primaryType, domain, message } = data
  if (!isObject(types) || !isObject(domain) || !isObject(message) || Object.keys(data).length !== 4) return true
  const declared = ((types['EIP712Domain'] ?? []) as Struct).map(({ name }) => name)
  const present = Object.keys(domain)
  const isKnown = declared.join() === DOMAIN_FIELDS.filter((name) => declared.includes(name)).join()
  if (!isKnown || declared.length !== present.length || present.some((name) => !declared.includes(name))) return true
  if (primaryType === 'EIP712Domain') return Object.keys(message).length > 0
  return isLaxStruct(types, String(primaryType), message, isV3) || isLaxStruct(types, 'EIP712Domain', domain, isV3)
}

function isLaxStruct(types: Json, name: string, value: unknown, isV3: boolean): boolean {
  const fields = types[name] as Struct | undefined
  if (fields === undefined || !isObject(value)) return false
  if (Object.keys(value).some((member) => !fields.some((field) => field.name === member))) return true
  return fields.some((field) => isLaxField(types, field.type, value[field.name], isV3))
}

function isLaxField(types: Json, type: string, value: unknown, isV3: boolean): boolean {
  const [, item, length] = /^(.*)\[(\d*)\]$/.exec(type) ?? []
  if (item !== undefined) {
    if (!Array.isArray(value)) return true
    return (length !== '' && value.length !== Number(length)) || value.some((one) => isLaxField(types, item, one, isV3))
  }
  if (type in types) return isLaxStruct(types, type, value, isV3)
  return isLaxValue(type, value)
}

function isLaxValue(type: string, value: unknown): boolean {
  const bytes = typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value) ? value.length / 2 - 1 : undefined
  if (type === 'bool') return typeof value !== 'boolean'
  if (type === 'string') return typeof value !== 'string'
  if (type === 'address') return bytes !== 20
  if (type === 'bytes') return bytes === undefined
  if (type.startsWith('bytes')) return bytes !== Number(type.slice(5))
  const [, sign, size] = /^(u?)int(\d*)$/.exec(type) ?? []
  if (sign === undefined) return true // no type of EIP-712
  const bits = BigInt(size || 256)
  const isNumber = typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^(-?\d+|0x[0-9a-f]+)$/i.test(value)
  if (!isNumber) return true
  const number = BigInt(value as string | number)
  return sign === 'u' ? number < 0n || number >> bits !== 0n : number < -(1n << (bits - 1n)) || number >= 1n << (bits - 1n)
}
