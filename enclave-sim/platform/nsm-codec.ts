/**
 * The NSM device's own CBOR, both ways: the client encodes requests and decodes answers, the simulated device the reverse.
 *
 * A request or answer without fields is a text string, all others are `{name: {fields}}`, as serde writes Rust enums. Written: definite
 * lengths, shortest integers, fields in the device's order (which isn't sorted). Read: fields in any order, definite or
 * indefinite lengths (the hypervisor's encoder has changed between the two before); duplicate keys, tags, floats, unknown fields of requests and
 * trailing bytes are refused.
 */
import { decode, encode, Tokenizer, type DecodeOptions } from 'cborg'

/** Longest request, in bytes: the Linux driver refuses more with EMSGSIZE. */
export const NSM_REQUEST_MAX_BYTES = 0x1000
/** Length of the buffer that receives the answer, in bytes. A shorter one truncates silently. */
export const NSM_RESPONSE_MAX_BYTES = 0x3000

export const NSM_ERROR_CODES = [
  'InvalidArgument', 'InvalidIndex', 'InvalidResponse', 'ReadOnlyIndex',
  'InvalidOperation', 'BufferTooSmall', 'InputTooLarge', 'InternalError',
] as const
export type NsmErrorCode = (typeof NSM_ERROR_CODES)[number]

type Bytes = Uint8Array

export type NsmRequest =
  | { readonly op: 'DescribeNSM' | 'GetRandom' }
  | { readonly op: 'DescribePCR' | 'LockPCR'; readonly index: number }
  | { readonly op: 'ExtendPCR'; readonly index: number; readonly data: Bytes }
  | { readonly op: 'LockPCRs'; readonly range: number }
  | { readonly op: 'Attestation'; readonly userData: Bytes | null; readonly nonce: Bytes | null; readonly publicKey: Bytes | null }

export type NsmResponse =
  | { readonly op: 'DescribeNSM'; readonly digest: string; readonly maxPcrs: number; readonly moduleId: string; readonly lockedPcrs: readonly number[] }
  | { readonly op: 'DescribePCR'; readonly data: Bytes; readonly lock: boolean }
  | { readonly op: 'ExtendPCR'; readonly data: Bytes }
  | { readonly op: 'LockPCR' | 'LockPCRs' }
  | { readonly op: 'GetRandom'; readonly random: Bytes }
  | { readonly op: 'Attestation'; readonly document: Bytes }
  | { readonly op: 'Error'; readonly code: NsmErrorCode }

/** Encodes a request. Never longer than its byte strings plus 64 bytes. */
export function encodeNsmRequest(request: NsmRequest): Uint8Array {
  switch (request.op) {
    case 'DescribeNSM':
    case 'GetRandom':
      return write(request.op)
    case 'DescribePCR':
    case 'LockPCR':
      return writeCall(request.op, [['index', request.index]])
    case 'ExtendPCR':
      return writeCall(request.op, [['index', request.index], ['data', request.data]])
    case 'LockPCRs':
      return writeCall(request.op, [['range', request.range]])
    case 'Attestation':
      return writeCall(request.op, [['user_data', request.userData], ['nonce', request.nonce], ['public_key', request.publicKey]])
    default:
      return request satisfies never
  }
}

/** Decodes a request; `undefined` for anything that isn't one. Absent attestation fields count as null. */
export function decodeNsmRequest(bytes: Uint8Array): NsmRequest | undefined {
  const call = readCall(bytes)
  if (call === undefined) return undefined
  const { op, fields } = call
  const only = (...names: readonly string[]): boolean => [...fields.keys()].every((name) => names.includes(name as string))
  const [index, data, range] = [fields.get('index'), fields.get('data'), fields.get('range')]
  if (op === 'DescribeNSM' || op === 'GetRandom') return call.bare ? { op } : undefined
  if (call.bare) return undefined
  if (op === 'DescribePCR' || op === 'LockPCR') return only('index') && isUint(index) ? { op, index } : undefined
  if (op === 'ExtendPCR') return only('index', 'data') && isUint(index) && isBytes(data) ? { op, index, data } : undefined
  if (op === 'LockPCRs') return only('range') && isUint(range) ? { op, range } : undefined
  if (op === 'Attestation') {
    const [userData, nonce, publicKey] = ['user_data', 'nonce', 'public_key'].map((name) => fields.get(name) ?? null)
    if (!only('user_data', 'nonce', 'public_key') || !isOptional(userData) || !isOptional(nonce) || !isOptional(publicKey)) return undefined
    return { op, userData, nonce, publicKey }
  }
  return undefined
}

/** Encodes an answer. The version is the one that QEMU's device tells. */
export function encodeNsmResponse(response: NsmResponse): Uint8Array {
  switch (response.op) {
    case 'DescribeNSM':
      return writeCall(response.op, [
        ['digest', response.digest], ['max_pcrs', response.maxPcrs], ['module_id', response.moduleId], ['locked_pcrs', response.lockedPcrs],
        ['version_major', 1], ['version_minor', 0], ['version_patch', 0],
      ])
    case 'DescribePCR':
      return writeCall(response.op, [['data', response.data], ['lock', response.lock]])
    case 'ExtendPCR':
      return writeCall(response.op, [['data', response.data]])
    case 'LockPCR':
    case 'LockPCRs':
      return write(response.op)
    case 'GetRandom':
      return writeCall(response.op, [['random', response.random]])
    case 'Attestation':
      return writeCall(response.op, [['document', response.document]])
    case 'Error':
      return write(new Map([['Error', response.code]]))
    default:
      return response satisfies never
  }
}

/** Decodes an answer; `undefined` for anything that isn't one. */
export function decodeNsmResponse(bytes: Uint8Array): NsmResponse | undefined {
  const call = readCall(bytes)
  if (call === undefined) return undefined
  const { op, fields } = call
  const [data, lock, random, document] = ['data', 'lock', 'random', 'document'].map((name) => fields.get(name))
  if (op === 'LockPCR' || op === 'LockPCRs') return call.bare ? { op } : undefined
  if (op === 'Error') return isErrorCode(call.text) ? { op, code: call.text } : undefined
  if (op === 'DescribePCR') return isBytes(data) && typeof lock === 'boolean' ? { op, data, lock } : undefined
  if (op === 'ExtendPCR') return isBytes(data) ? { op, data } : undefined
  if (op === 'GetRandom') return isBytes(random) ? { op, random } : undefined
  if (op === 'Attestation') return isBytes(document) ? { op, document } : undefined
  if (op === 'DescribeNSM') {
    const [digest, moduleId, maxPcrs, lockedPcrs] = ['digest', 'module_id', 'max_pcrs', 'locked_pcrs'].map((name) => fields.get(name))
    if (typeof digest !== 'string' || typeof moduleId !== 'string' || !isUint(maxPcrs)) return undefined
    return Array.isArray(lockedPcrs) && lockedPcrs.every(isUint) ? { op, digest, maxPcrs, moduleId, lockedPcrs } : undefined
  }
  return undefined
}

const decodeOptions: DecodeOptions = { useMaps: true, rejectDuplicateMapKeys: true, allowUndefined: false, allowInfinity: false, allowNaN: false }

const write = (value: unknown): Uint8Array => encode(value, { mapSorter: () => 0 })

const writeCall = (op: string, fields: readonly (readonly [string, unknown])[]): Uint8Array => write(new Map([[op, new Map(fields)]]))

interface Call {
  readonly op: unknown
  /** A lone text string: no fields. */
  readonly bare: boolean
  /** What stands in place of the fields, when it is text: an error's code. */
  readonly text: unknown
  readonly fields: ReadonlyMap<unknown, unknown>
}

function readCall(bytes: Uint8Array): Call | undefined {
  let value: unknown
  try {
    value = decode(bytes, { ...decodeOptions, tokenizer: withoutFloats(bytes) })
  } catch {
    return undefined
  }
  if (typeof value === 'string') return { op: value, bare: true, text: undefined, fields: new Map() }
  if (!(value instanceof Map) || value.size !== 1) return undefined
  const [[op, content]] = [...value.entries()] as [[unknown, unknown]]
  if (typeof content === 'string') return { op, bare: false, text: content, fields: new Map() }
  return content instanceof Map ? { op, bare: false, text: undefined, fields: content } : undefined
}

/** cborg by itself reads a float 1.0 like the integer 1. */
function withoutFloats(bytes: Uint8Array): DecodeOptions['tokenizer'] & object {
  const tokens = new Tokenizer(bytes, decodeOptions)
  const next = (): ReturnType<typeof tokens.next> => {
    const token = tokens.next()
    if (token.type.name === 'float') throw new Error('a float')
    return token
  }
  return { next, done: () => tokens.done(), pos: () => tokens.pos() }
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isUint = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isOptional = (value: unknown): value is Uint8Array | null => value === null || isBytes(value)
const isErrorCode = (value: unknown): value is NsmErrorCode => (NSM_ERROR_CODES as readonly unknown[]).includes(value)
