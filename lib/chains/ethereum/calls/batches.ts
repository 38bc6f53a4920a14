/** Calls that hold calls: multicall of a contract with itself, Multicall3, and the accounts of ERC-4337. */
import { addr } from 'micro-eth-signer'
import { toHex } from '../../../protocol/bytes.ts'
import { Malformed } from '../../../protocol/fields.ts'
import { toBigInt } from '../values.ts'
import { decodeArguments, parseTypes } from './abi.ts'
import { action, type Call, type Effect, type Rule } from './call.ts'

type Address = string
type Target = Call & { readonly to: string }
type Execution = readonly [to: Address, value: bigint, data: Uint8Array]

/** The contract calls itself on behalf of its caller (`delegatecall`): all of them see the same sender and the same value. */
function self(name: string, call: Target, calls: readonly Uint8Array[], fields: Parameters<typeof action>[1] = {}): Effect {
  const { to: contract, value } = call
  const inner = calls.map((data): Call => ({ ...call, value: 0n, data }))
  return { actions: [action(name, { contract, calls: BigInt(calls.length), ...fields, ...paid(value) })], calls: inner }
}

/** The contract itself is the caller of what follows. */
function onward(name: string, { chain, to, value: own }: Target, calls: readonly Execution[], fields: Parameters<typeof action>[1] = {}): Effect {
  const inner = calls.map(([target, value, data]): Call => ({ chain, from: to, to: target, value, data }))
  return { actions: [action(name, { contract: to, calls: BigInt(calls.length), ...fields, ...paid(own) })], calls: inner }
}

const paid = (value: bigint): { readonly value?: bigint } => (value === 0n ? {} : { value })

function zip(targets: readonly Address[], values: readonly bigint[] | undefined, data: readonly Uint8Array[]): [Address, bigint, Uint8Array][] {
  // SimpleAccount takes no values for all zero.
  const all = values === undefined || values.length === 0 ? targets.map(() => 0n) : values
  if (targets.length !== data.length || targets.length !== all.length) throw new Malformed()
  return targets.map((target, index) => [target, all[index] as bigint, data[index] as Uint8Array])
}

const EXECUTIONS = parseTypes('(address,uint256,bytes)[]')

/**
 * ERC-7579's modes, byte by byte: call type (0, one call, packed; 1, a batch), what to do when a call fails (0, revert; 1, go on), 4 zeros, a selector
 * of 4 (zeros, or ERC-7821's for a batch), 22 zeros. Any other reads the data in another way (ERC-7821's batch of batches), or runs somebody else's
 * code as the account's (`delegatecall`).
 */
const MODE = /^(?:0[01]0[01](?:00){8}|010[01]0000000078210001)(?:00){22}$/

function modular(mode: Uint8Array, data: Uint8Array): readonly Execution[] {
  if (!MODE.test(toHex(mode))) throw new Malformed()
  if (mode[0] === 1) return (decodeArguments(EXECUTIONS, data) as [readonly Execution[]])[0]
  if (data.length < 52) throw new Malformed()
  return [[addr.addChecksum(`0x${toHex(data.subarray(0, 20))}`), toBigInt(data.subarray(20, 52)), data.slice(52)]]
}

const contracts: readonly Rule[] = [
  { signature: 'multicall(bytes[])', effect: (call, values) => self('multicall', call, (values as [readonly Uint8Array[]])[0]) },
  {
    signature: 'multicall(uint256,bytes[])',
    effect: (call, values) => {
      const [deadline, calls] = values as [bigint, readonly Uint8Array[]]
      return self('multicall', call, calls, { deadline })
    },
  },
]

const multicall3: readonly Rule[] = [
  {
    signature: 'aggregate((address,bytes)[])',
    effect: (call, values) => onward('multicall', call, (values as [readonly [Address, Uint8Array][]])[0].map(([to, data]) => [to, 0n, data])),
  },
  {
    signature: 'tryAggregate(bool,(address,bytes)[])',
    effect: (call, values) => onward('multicall', call, (values as [boolean, readonly [Address, Uint8Array][]])[1].map(([to, data]) => [to, 0n, data])),
  },
  {
    signature: 'aggregate3((address,bool,bytes)[])',
    effect: (call, values) => onward('multicall', call, (values as [readonly [Address, boolean, Uint8Array][]])[0].map(([to, , data]) => [to, 0n, data])),
  },
  {
    signature: 'aggregate3Value((address,bool,uint256,bytes)[])',
    effect: (call, values) =>
      onward('multicall', call, (values as [readonly [Address, boolean, bigint, Uint8Array][]])[0].map(([to, , value, data]) => [to, value, data])),
  },
]

const accounts: readonly Rule[] = [
  { signature: 'execute(address,uint256,bytes)', effect: (call, values) => onward('execute', call, [values as [Address, bigint, Uint8Array]]) },
  {
    signature: 'executeBatch(address[],bytes[])',
    effect: (call, values) => {
      const [targets, data] = values as [readonly Address[], readonly Uint8Array[]]
      return onward('execute', call, zip(targets, undefined, data))
    },
  },
  {
    signature: 'executeBatch(address[],uint256[],bytes[])',
    effect: (call, values) => onward('execute', call, zip(...(values as [readonly Address[], readonly bigint[], readonly Uint8Array[]]))),
  },
  {
    signature: 'execute(bytes32,bytes)', // ERC-7579, ERC-7821
    effect: (call, values) => {
      const [mode, data] = values as [Uint8Array, Uint8Array]
      return onward('execute', call, modular(mode, data), { mode: `0x${toHex(mode)}` })
    },
  },
  {
    signature: 'executeBatch((address,uint256,bytes)[])',
    effect: (call, values) => onward('execute', call, (values as [readonly [Address, bigint, Uint8Array][]])[0]),
  },
]

export const BATCH_RULES: readonly Rule[] = [...contracts, ...multicall3, ...accounts]
