/**
 * Reads the fields of a KMS call's input, and refuses them as KMS does: a value of the wrong JSON type is a SerializationException, one that
 * breaks its constraint a ValidationException that names it by its path, and what is unknown is ignored.
 */
import { AwsError, type JsonObject } from '../awsjson.ts'

/** @param name of the field; with a path in front where it is a field of a field, such as `Recipient.AttestationDocument` */
export function optionalText(input: JsonObject, name: string, maxLength = 2048): string | undefined {
  const value = valueOf(input, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw unreadable()
  if (value.length === 0) throw invalid(name, "''", 'Member must have length greater than or equal to 1')
  if (value.length > maxLength) throw invalid(name, `'${value}'`, `Member must have length less than or equal to ${maxLength}`)
  return value
}

export function requiredText(input: JsonObject, name: string, maxLength = 2048): string {
  const value = optionalText(input, name, maxLength)
  if (value === undefined) throw missing(name)
  return value
}

/** One of a set of names. */
export function optionalName<T extends string>(input: JsonObject, name: string, set: readonly T[]): T | undefined {
  const value = valueOf(input, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw unreadable()
  const known = set.find((one) => one === value)
  if (known === undefined) throw invalid(name, `'${value}'`, `Member must satisfy enum value set: [${set.join(', ')}]`)
  return known
}

export function optionalInteger(input: JsonObject, name: string, min: number, max: number): number | undefined {
  const value = valueOf(input, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw unreadable()
  if (value < min) throw invalid(name, `'${value}'`, `Member must have value greater than or equal to ${min}`)
  if (value > max) throw invalid(name, `'${value}'`, `Member must have value less than or equal to ${max}`)
  return value
}

export function optionalBoolean(input: JsonObject, name: string): boolean {
  const value = valueOf(input, name)
  if (value !== undefined && typeof value !== 'boolean') throw unreadable()
  return value ?? false
}

/** Base64 with padding, one to `maxLength` bytes. */
function optionalBytes(input: JsonObject, name: string, maxLength: number): Uint8Array | undefined {
  const value = valueOf(input, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw unreadable()
  const bytes = Buffer.from(value, 'base64')
  if (bytes.toString('base64') !== value) throw unreadable()
  // As AWS's Java names a blob: by its size, never by its bytes.
  const shown = `'java.nio.HeapByteBuffer[pos=0 lim=${bytes.length} cap=${bytes.length}]'`
  if (bytes.length === 0) throw invalid(name, shown, 'Member must have length greater than or equal to 1')
  if (bytes.length > maxLength) throw invalid(name, shown, `Member must have length less than or equal to ${maxLength}`)
  return new Uint8Array(bytes)
}

export function requiredBytes(input: JsonObject, name: string, maxLength: number): Uint8Array {
  const value = optionalBytes(input, name, maxLength)
  if (value === undefined) throw missing(name)
  return value
}

export function optionalObject(input: JsonObject, name: string): JsonObject | undefined {
  const value = valueOf(input, name)
  if (value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw unreadable()
  return value as JsonObject
}

/** A map of texts, such as an encryption context; empty when absent. */
export function textMap(input: JsonObject, name: string): Readonly<Record<string, string>> {
  const map = optionalObject(input, name) ?? {}
  if (Object.values(map).some((value) => typeof value !== 'string')) throw unreadable()
  if (JSON.stringify(map).length > 8192) throw new AwsError('ValidationException', 'The encryption context is too long')
  return map as Readonly<Record<string, string>>
}

/** Nobody can grant anything here, so no token is one; but an empty list is none. */
export function refuseGrantTokens(input: JsonObject): void {
  const tokens = valueOf(input, 'GrantTokens') ?? []
  if (!Array.isArray(tokens) || tokens.some((token) => typeof token !== 'string')) throw unreadable()
  if (tokens.length > 10) throw invalid('GrantTokens', `'[${tokens.join(', ')}]'`, 'Member must have length less than or equal to 10')
  if (tokens.length > 0) throw new AwsError('InvalidGrantTokenException', 'The grant token is invalid')
}

/** Refuses features that would change what a call does and are not emulated. */
export function refuse(input: JsonObject, ...names: readonly string[]): void {
  for (const name of names) {
    const value = input[name]
    if (value !== undefined && value !== null && value !== false) throw new AwsError('UnsupportedOperationException', `${name} is not emulated`)
  }
}

/** A path is for messages; the field itself is its last part. */
function valueOf(input: JsonObject, path: string): {} | undefined {
  return input[path.slice(path.lastIndexOf('.') + 1)] ?? undefined
}

function missing(name: string): AwsError {
  return invalid(name, 'null', 'Member must not be null')
}

function invalid(path: string, shown: string, rule: string): AwsError {
  const member = path.replace(/(?:^|\.)[A-Z]/g, (letter) => letter.toLowerCase())
  return new AwsError('ValidationException', `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${rule}`)
}

function unreadable(): AwsError {
  return new AwsError('SerializationException')
}
