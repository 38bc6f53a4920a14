/**
 * What a call does, as far as its data says: by the four bytes of the function and the arguments' exact encoding. Nothing is refused here, for a
 * contract may be asked anything; what isn't understood is shown whole, and said not to be.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { toHex, utf8 } from '../../../protocol/bytes.ts'
import { attempt } from '../../../protocol/fields.ts'
import type { Action } from '../../chain.ts'
import { decodeArguments, parseTypes, type AbiType } from './abi.ts'
import { BATCH_RULES } from './batches.ts'
import { action, type Call, type Rule } from './call.ts'
import { PERMIT2_RULES } from './permit2.ts'
import { TOKEN_RULES } from './tokens.ts'

interface Known extends Rule {
  readonly types: readonly AbiType[]
}

interface Description {
  readonly actions: readonly Action[]
  readonly warnings: readonly string[]
}

/** A person reads this: past these bounds the whole call is shown as data. */
const MAX_DEPTH = 4
const MAX_ACTIONS = 256

/** By selector, in hex. */
const KNOWN: ReadonlyMap<string, Known> = new Map(
  [...TOKEN_RULES, ...PERMIT2_RULES, ...BATCH_RULES].map((rule) => [
    toHex(keccak_256(utf8(rule.signature)).subarray(0, 4)),
    { ...rule, types: parseTypes(rule.signature.slice(rule.signature.indexOf('(') + 1, -1)) },
  ]),
)

/**
 * Actions in the order in which they happen, calls within calls right after what holds them; `from` and `owner` are whose they are.
 * Warnings, each once: `contract_creation`, `unknown_call`, `undecodable_call` (a known function with data that isn't its own), `unlimited_approval`,
 * `approval_for_all`, `value_to_contract` (ether goes along with a known function: the contract has it, whatever the function says).
 */
export function describeCall(call: Call): Description {
  const actions: Action[] = []
  const warnings = new Set<string>()
  if (describe(call, 1, actions, warnings)) return { actions, warnings: [...warnings] }
  return { actions: [unknown(call)], warnings: [...warnings.add('unknown_call').add('undecodable_call')] }
}

/** `false`: too deep, or too much. */
function describe(call: Call, depth: number, actions: Action[], warnings: Set<string>): boolean {
  const { from, to, value, data } = call
  if (depth > MAX_DEPTH || actions.length >= MAX_ACTIONS) return false
  if (to === null) {
    const codeHash = `0x${toHex(keccak_256(data))}`
    actions.push(action('create', { from, value, codeBytes: BigInt(data.length), codeHash }))
    warnings.add('contract_creation')
    return true
  }
  if (data.length === 0) {
    actions.push(action('transfer', { from, to, amount: value }))
    return true
  }
  const known = KNOWN.get(toHex(data.subarray(0, 4)))
  const effect = known && attempt(() => known.effect({ ...call, to }, decodeArguments(known.types, data.subarray(4))))
  if (effect === undefined) {
    actions.push(unknown(call))
    warnings.add('unknown_call')
    if (known !== undefined) warnings.add('undecodable_call')
    return true
  }
  // What the function makes of the ether, only the contract knows; who gets it is sure.
  if (value > 0n) {
    actions.push(action('pay', { from, to, amount: value }))
    warnings.add('value_to_contract')
  }
  actions.push(...effect.actions)
  for (const warning of effect.warnings ?? []) warnings.add(warning)
  return actions.length <= MAX_ACTIONS && (effect.calls ?? []).every((inner) => describe(inner, depth + 1, actions, warnings))
}

function unknown({ from, to, value, data }: Call): Action {
  return action('unknown_call', { from, to, value, data: `0x${toHex(data)}` })
}
