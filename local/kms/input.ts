/** Reads the fields of a KMS call's input. What has the wrong type or size is a ValidationException; what is unknown is ignored, as AWS does. */
import { AwsError, type JsonObject } from '../awsjson.ts'

export function optionalText(input: JsonObject, name: string, maxLength = 2048): string | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' || value.length === 0 || value.length > maxLength) throw invalid(name)
  return value
}

export function requiredText(input: JsonObject, name: string, maxLength = 2048): string {
  const value = optionalText(input, name, maxLength)
  if (value === undefined) throw invalid(name)
  return value
}

export function optionalInteger(input: JsonObject, name: string, min: number, max: number): number | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw invalid(name)
  return value
}

/** Base64 with padding, one to `maxLength` bytes. */
export function optionalBytes(input: JsonObject, name: string, maxLength: number): Uint8Array | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid(name)
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length === 0 || bytes.length > maxLength || bytes.toString('base64') !== value) throw invalid(name)
  return new Uint8Array(bytes)
}

export function requiredBytes(input: JsonObject, name: string, maxLength: number): Uint8Array {
  const value = optionalBytes(input, name, maxLength)
  if (value === undefined) throw invalid(name)
  return value
}

export function optionalObject(input: JsonObject, name: string): JsonObject | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(name)
  return value as JsonObject
}

/** A map of texts, such as an encryption context; empty when absent. */
export function textMap(input: JsonObject, name: string): Readonly<Record<string, string>> {
  const map = optionalObject(input, name) ?? {}
  if (Object.values(map).some((value) => typeof value !== 'string') || JSON.stringify(map).length > 8192) throw invalid(name)
  return map as Readonly<Record<string, string>>
}

/** Refuses features that would change what a call does and are not emulated. */
export function refuse(input: JsonObject, ...names: readonly string[]): void {
  for (const name of names) {
    const value = input[name]
    if (value !== undefined && value !== null && value !== false) throw new AwsError('UnsupportedOperationException', `${name} is not emulated`)
  }
}

export function invalid(name: string): AwsError {
  return new AwsError('ValidationException', `1 validation error detected: Value at '${name}' failed to satisfy constraint`)
}
