/**
 * Typed data that hands out what an account owns: permits (EIP-2612, DAI's, ERC-721's, Permit2's) and transfers by authorization (EIP-3009). Told by
 * name and fields of the primary type, to the letter: a contract that means something else by them still checks the same hash. What none of these
 * is gets the warning `unknown_typed_data`, and a Safe's transaction that runs another's code as the Safe's own, `delegate_call`.
 */
import type { Action } from '../../chain.ts'
import { isUnlimited } from '../amounts.ts'
import { arrayType, describeFields, type Types } from './types.ts'

/** Values by path, as they were hashed. */
type Values = ReadonlyMap<string, string>

interface Recognised {
  readonly actions: readonly Action[]
  readonly warnings: readonly string[]
}

type Rule = (values: Values, count: number) => readonly Grant[]

interface Grant {
  readonly action: 'approve' | 'transfer'
  readonly fields: Readonly<Record<string, string>>
  readonly isUnlimited: boolean
}

const PERMIT_DETAILS = 'address token,uint160 amount,uint48 expiration,uint48 nonce'
const TOKEN_PERMISSIONS = 'address token,uint256 amount'
const AUTHORIZATION = 'address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce'

/** Primary type and its fields, structs within replaced by `(their fields)`. */
const RULES: Readonly<Record<string, Rule>> = {
  'Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)': (values) => [
    approve(values, { token: 'domain.verifyingContract', owner: 'owner', spender: 'spender', amount: 'value', deadline: 'deadline' }, 256),
  ],
  'Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)': (values) => [permitAll(values)],
  'Permit(address spender,uint256 tokenId,uint256 nonce,uint256 deadline)': (values) => [
    approve(values, { token: 'domain.verifyingContract', spender: 'spender', tokenId: 'tokenId', deadline: 'deadline' }, 256),
  ],
  [`PermitSingle((${PERMIT_DETAILS}) details,address spender,uint256 sigDeadline)`]: (values) => [permit2(values, 'details')],
  [`PermitBatch((${PERMIT_DETAILS})[] details,address spender,uint256 sigDeadline)`]: (values, count) =>
    indices(count).map((index) => permit2(values, `details[${index}]`)),
  [`PermitTransferFrom((${TOKEN_PERMISSIONS}) permitted,address spender,uint256 nonce,uint256 deadline)`]: (values) => [permitOnce(values, 'permitted')],
  [`PermitBatchTransferFrom((${TOKEN_PERMISSIONS})[] permitted,address spender,uint256 nonce,uint256 deadline)`]: (values, count) =>
    indices(count).map((index) => permitOnce(values, `permitted[${index}]`)),
  [`TransferWithAuthorization(${AUTHORIZATION})`]: (values) => [transfer(values)],
  [`ReceiveWithAuthorization(${AUTHORIZATION})`]: (values) => [transfer(values)],
}

export function recognise(types: Types, primaryType: string, values: Values): Recognised {
  const shape = shapeOf(types, primaryType)
  const rule = Object.hasOwn(RULES, shape) ? RULES[shape] : undefined
  const count = new Set([...values.keys()].map((path) => /^message\.(?:details|permitted)\[(\d+)\]/.exec(path)?.[1]).filter(Boolean)).size
  const grants = rule?.(values, count) ?? []
  const warnings = [
    ...(grants.some((grant) => grant.isUnlimited) ? ['unlimited_approval'] : []),
    ...(rule === undefined ? ['unknown_typed_data'] : []),
    ...(isDelegateCall(primaryType, values) ? ['delegate_call'] : []),
  ]
  return { actions: grants.map(({ action, fields }) => ({ action, fields })), warnings }
}

/**
 * An operation of ERC-4337, as entry points since v0.8 hash it, whichever contract is named as one. It has a kind of its own, which says what it
 * does; as typed data it would be but a row of bytes.
 */
export function isUserOperation(primaryType: string, values: Values): boolean {
  return primaryType === 'PackedUserOperation' && values.get('domain.name') === 'ERC4337'
}

/** Safe's `Enum.Operation`: 0, a call; 1, a `delegatecall`. */
function isDelegateCall(primaryType: string, values: Values): boolean {
  return primaryType === 'SafeTx' && (values.get('message.operation') ?? '0') !== '0'
}

/** A witness (Permit2) is one field more, whatever it is; it stays among the fields of the summary. */
function shapeOf(types: Types, primaryType: string): string {
  const all = types.get(primaryType) ?? []
  const isWitness = /^Permit(Batch)?WitnessTransferFrom$/.test(primaryType) && all.length === 5
  const fields = (isWitness ? all.slice(0, 4) : all).map(({ name, type }) => {
    const item = arrayType(type)?.item
    const struct = types.get(item ?? type)
    return { name, type: struct === undefined ? type : `(${describeFields(struct)})${type.slice((item ?? type).length)}` }
  })
  return `${isWitness ? primaryType.replace('Witness', '') : primaryType}(${describeFields(fields)})`
}

function approve(values: Values, paths: Readonly<Record<string, string>>, bits: 160 | 256): Grant {
  const fields = pick(values, paths)
  const amount = fields['amount']
  return { action: 'approve', fields, isUnlimited: amount !== undefined && isUnlimited(BigInt(amount), bits) }
}

function permit2(values: Values, details: string): Grant {
  const paths = { token: `${details}.token`, spender: 'spender', amount: `${details}.amount`, expiration: `${details}.expiration`, deadline: 'sigDeadline' }
  return approve(values, paths, 160)
}

function permitOnce(values: Values, permitted: string): Grant {
  return approve(values, { token: `${permitted}.token`, spender: 'spender', amount: `${permitted}.amount`, deadline: 'deadline' }, 256)
}

/** DAI's permit knows everything and nothing. */
function permitAll(values: Values): Grant {
  const isAllowed = values.get('message.allowed') === 'true'
  const fields = pick(values, { token: 'domain.verifyingContract', owner: 'holder', spender: 'spender', deadline: 'expiry' })
  return { action: 'approve', fields: { ...fields, amount: isAllowed ? 'unlimited' : '0' }, isUnlimited: isAllowed }
}

function transfer(values: Values): Grant {
  const paths = { token: 'domain.verifyingContract', from: 'from', to: 'to', amount: 'value', validAfter: 'validAfter', validBefore: 'validBefore' }
  return { action: 'transfer', fields: pick(values, paths), isUnlimited: false }
}

/** A path without `domain.` is one in the message. What the domain doesn't say is left out. */
function pick(values: Values, paths: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(paths).map(([name, path]) => [name, values.get(path.startsWith('domain.') ? path : `message.${path}`)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function indices(count: number): readonly number[] {
  return [...Array(count).keys()]
}
