/**
 * What a smart account is told to do: the calls inside `execute` and `executeBatch`, as the accounts in use have them (SimpleAccount of v0.6
 * to v0.8). The arguments must be in the ABI's own canonical encoding; whatever isn't is an unknown call.
 */
import { concat, equal, toHex } from '../../protocol/bytes.ts'
import { describeCall, type Described } from './call.ts'
import { fixedBytes, hex, toAddress, toBigInt } from './values.ts'

interface InnerCall {
  readonly to: string
  readonly value: bigint
  readonly data: Uint8Array
}

/** By selector. Each reads its arguments or gives `undefined`. */
const READERS: Readonly<Record<string, (args: Uint8Array) => readonly InnerCall[] | undefined>> = {
  b61d27f6: readExecute, // execute(address,uint256,bytes)
  '47e1da2a': (args) => readColumns(args, true), // executeBatch(address[],uint256[],bytes[])
  '18dfb3c7': (args) => readColumns(args, false), // executeBatch(address[],bytes[])
  '34fcd5be': readRows, // executeBatch((address,uint256,bytes)[])
}

/** @param sender - the smart account */
export function describeAccountCall(chain: string, sender: string, callData: Uint8Array): Described {
  if (callData.length === 0) return { actions: [], warnings: [] } // nothing beyond being deployed or delegated
  const reader = Object.entries(READERS).find(([selector]) => selector === toHex(callData.subarray(0, 4)))?.[1]
  const calls = reader?.(callData.subarray(4))
  if (calls === undefined) {
    return { actions: [{ action: 'unknown_call', fields: { from: sender, to: sender, value: '0', data: hex(callData) } }], warnings: ['unknown_call'] }
  }
  const described = calls.map(({ to, value, data }) => describeCall({ chain, from: sender, to, value, data }))
  return { actions: described.flatMap(({ actions }) => actions), warnings: described.flatMap(({ warnings }) => warnings) }
}

class Unreadable extends Error {}

function attempt(args: Uint8Array, read: () => readonly InnerCall[], write: (calls: readonly InnerCall[]) => Uint8Array): readonly InnerCall[] | undefined {
  let calls
  try {
    calls = read()
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
  // Several offsets to the same bytes would be written out several times.
  if (calls.reduce((sum, { data }) => sum + data.length, 0) > args.length) return undefined
  // Offsets may point anywhere, and padding hold anything: only what is written back the same was read whole.
  return equal(write(calls), args) ? calls : undefined
}

function readExecute(args: Uint8Array): readonly InnerCall[] | undefined {
  return attempt(args, () => [tuple(args, 0)], ([call]) => writeTuple(call as InnerCall))
}

function readRows(args: Uint8Array): readonly InnerCall[] | undefined {
  return attempt(
    args,
    () => {
      const start = number(args, 0) + 32
      return rows(args, start, number(args, start - 32)).map((at) => tuple(args, at))
    },
    (calls) => concat(word(32n), writeDynamic(calls.map(writeTuple))),
  )
}

function readColumns(args: Uint8Array, hasValues: boolean): readonly InnerCall[] | undefined {
  return attempt(
    args,
    () => {
      const columns = [0, 32, ...(hasValues ? [64] : [])].map((at) => number(args, at))
      const counts = columns.map((at) => number(args, at))
      const [tos, values, datas] = (hasValues ? columns : [columns[0], undefined, columns[1]]) as [number, number | undefined, number]
      if (counts.some((count) => count !== counts[0])) throw new Unreadable()
      return rows(args, datas + 32, counts[0] as number).map((at, i) => ({
        to: address(args, tos + 32 * (i + 1)), value: values === undefined ? 0n : toBigInt(slice(args, values + 32 * (i + 1), 32)), data: tail(args, at),
      }))
    },
    (calls) => {
      const count = word(BigInt(calls.length))
      const columns = [
        concat(count, ...calls.map(({ to }) => word(BigInt(to)))),
        ...(hasValues ? [concat(count, ...calls.map(({ value }) => word(value)))] : []),
        writeDynamic(calls.map(({ data }) => writeBytes(data))),
      ]
      return concat(...offsets(columns), ...columns)
    },
  )
}

const word = (value: bigint): Uint8Array => fixedBytes(value, 32)

function slice(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length > bytes.length) throw new Unreadable()
  return bytes.subarray(at, at + length)
}

/** A length or an offset: none is longer than what it is in. */
function number(bytes: Uint8Array, at: number): number {
  const value = toBigInt(slice(bytes, at, 32))
  if (value > BigInt(bytes.length)) throw new Unreadable()
  return Number(value)
}

function address(bytes: Uint8Array, at: number): string {
  return toAddress(slice(bytes, at, 32).subarray(12))
}

/** Where the elements of a dynamic array are; `start` is after its length. */
function rows(bytes: Uint8Array, start: number, count: number): readonly number[] {
  if (start + 32 * count > bytes.length) throw new Unreadable()
  return Array.from({ length: count }, (_, i) => start + number(bytes, start + 32 * i))
}

function tail(bytes: Uint8Array, at: number): Uint8Array {
  return slice(bytes, at + 32, number(bytes, at))
}

function tuple(bytes: Uint8Array, at: number): InnerCall {
  return { to: address(bytes, at), value: toBigInt(slice(bytes, at + 32, 32)), data: tail(bytes, at + number(bytes, at + 64)) }
}

function writeTuple({ to, value, data }: InnerCall): Uint8Array {
  return concat(word(BigInt(to)), word(value), word(96n), writeBytes(data))
}

function writeBytes(data: Uint8Array): Uint8Array {
  return concat(word(BigInt(data.length)), data, new Uint8Array((32 - (data.length % 32)) % 32))
}

function writeDynamic(parts: readonly Uint8Array[]): Uint8Array {
  return concat(word(BigInt(parts.length)), ...offsets(parts), ...parts)
}

function offsets(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  let at = 32 * parts.length
  return parts.map((part) => {
    const offset = word(BigInt(at))
    at += part.length
    return offset
  })
}
