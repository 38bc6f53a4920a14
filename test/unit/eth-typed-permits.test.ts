/** Typed data that hands out what an account owns is said to; and version 1's hash, as packed bytes make it. */
import fc from 'fast-check'
import { concatHex, encodePacked, keccak256, toHex } from 'viem'
import { readTypedData } from '../../lib/chains/ethereum/typed-data.ts'
import { codeOf } from '../support/core-codes.ts'
import { digestOf, payload, planOf, RUNS } from '../support/messages.ts'

type Field = readonly [type: string, name: string]

const TOKEN = '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'
const OTHER = '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'
const MAX160 = (2n ** 160n - 1n).toString()
const MAX256 = (2n ** 256n - 1n).toString()

function summaryOf(types: Readonly<Record<string, readonly Field[]>>, message: object, domain: object = { chainId: 1, verifyingContract: TOKEN }) {
  const all = Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, fields.map(([type, field]) => ({ name: field, type }))]))
  const data = JSON.stringify({ types: all, primaryType: Object.keys(types)[0], domain, message })
  const { actions, warnings } = planOf(readTypedData(payload('typedData', data))).summary
  return { actions, warnings }
}

const PERMIT: readonly Field[] = [['address', 'owner'], ['address', 'spender'], ['uint256', 'value'], ['uint256', 'nonce'], ['uint256', 'deadline']]
const permit = (value: string) => ({ owner: OTHER, spender: TOKEN, value, nonce: 0, deadline: 9 })
const DETAILS: readonly Field[] = [['address', 'token'], ['uint160', 'amount'], ['uint48', 'expiration'], ['uint48', 'nonce']]
const details = (amount: string) => ({ token: TOKEN, amount, expiration: 7, nonce: 0 })
const PERMISSIONS: readonly Field[] = [['address', 'token'], ['uint256', 'amount']]
const TAIL: readonly Field[] = [['address', 'spender'], ['uint256', 'nonce'], ['uint256', 'deadline']]
const permitted = { permitted: { token: TOKEN, amount: '5' }, spender: OTHER, nonce: 1, deadline: 2 }

test('EIP-2612: with its amount, and unlimited from 2^128 on', () => {
  const fields = { token: TOKEN, owner: OTHER, spender: TOKEN, deadline: '9' }
  const less = (2n ** 128n - 1n).toString()
  expect(summaryOf({ Permit: PERMIT }, permit(less))).toEqual({ actions: [{ action: 'approve', fields: { ...fields, amount: less } }], warnings: [] })
  for (const amount of [(2n ** 96n - 1n).toString(), (2n ** 128n).toString(), (2n ** 255n - 1n).toString(), MAX256]) {
    expect(summaryOf({ Permit: PERMIT }, permit(amount))).toEqual({ actions: [{ action: 'approve', fields: { ...fields, amount } }], warnings: ['unlimited_approval'] })
  }
})

test('DAI: all or nothing', () => {
  const types = { Permit: [['address', 'holder'], ['address', 'spender'], ['uint256', 'nonce'], ['uint256', 'expiry'], ['bool', 'allowed']] } as const
  const message = { holder: OTHER, spender: TOKEN, nonce: 0, expiry: 0 }
  const fields = { token: TOKEN, owner: OTHER, spender: TOKEN, deadline: '0' }
  expect(summaryOf(types, { ...message, allowed: true })).toEqual({ actions: [{ action: 'approve', fields: { ...fields, amount: 'unlimited' } }], warnings: ['unlimited_approval'] })
  expect(summaryOf(types, { ...message, allowed: false })).toEqual({ actions: [{ action: 'approve', fields: { ...fields, amount: '0' } }], warnings: [] })
})

test('ERC-721: one token', () => {
  const types = { Permit: [['address', 'spender'], ['uint256', 'tokenId'], ['uint256', 'nonce'], ['uint256', 'deadline']] } as const
  expect(summaryOf(types, { spender: OTHER, tokenId: 5, nonce: 0, deadline: 1 }).actions).toEqual([
    { action: 'approve', fields: { token: TOKEN, spender: OTHER, tokenId: '5', deadline: '1' } },
  ])
})

test('Permit2: one, many, unlimited at 160 bits', () => {
  const tail: readonly Field[] = [['address', 'spender'], ['uint256', 'sigDeadline']]
  const single = { PermitSingle: [['PermitDetails', 'details'], ...tail] as Field[], PermitDetails: DETAILS }
  const fields = { token: TOKEN, spender: OTHER, expiration: '7', deadline: '8' }
  const end = { spender: OTHER, sigDeadline: 8 }
  expect(summaryOf(single, { details: details('5'), ...end })).toEqual({ actions: [{ action: 'approve', fields: { ...fields, amount: '5' } }], warnings: [] })
  expect(summaryOf(single, { details: details(MAX160), ...end }).warnings).toEqual(['unlimited_approval'])
  const batch = { PermitBatch: [['PermitDetails[]', 'details'], ...tail] as Field[], PermitDetails: DETAILS }
  const many = summaryOf(batch, { details: [details('1'), details(MAX160), ...Array(10).fill(details('3')) as object[]], ...end })
  expect([many.actions.map(({ fields: { amount } }) => amount), many.warnings]).toEqual([['1', MAX160, ...Array(10).fill('3') as string[]], ['unlimited_approval']])
})

test('Permit2: by signature alone, also with a witness', () => {
  const expected = { actions: [{ action: 'approve', fields: { token: TOKEN, spender: OTHER, amount: '5', deadline: '2' } }], warnings: [] }
  const types = { PermitTransferFrom: [['TokenPermissions', 'permitted'], ...TAIL] as Field[], TokenPermissions: PERMISSIONS }
  expect(summaryOf(types, permitted)).toEqual(expected)
  expect(summaryOf(types, { ...permitted, permitted: { token: TOKEN, amount: MAX256 } }).warnings).toEqual(['unlimited_approval'])
  const witness = { PermitWitnessTransferFrom: [['TokenPermissions', 'permitted'], ...TAIL, ['Order', 'witness']] as Field[], TokenPermissions: PERMISSIONS, Order: [['uint8', 'x']] as Field[] }
  expect(summaryOf(witness, { ...permitted, witness: { x: 1 } })).toEqual(expected)
  const batch = { PermitBatchTransferFrom: [['TokenPermissions[]', 'permitted'], ...TAIL] as Field[], TokenPermissions: PERMISSIONS }
  expect(summaryOf(batch, { ...permitted, permitted: [permitted.permitted, permitted.permitted] }).actions).toHaveLength(2)
})

test('EIP-3009', () => {
  const types: Readonly<Record<string, readonly Field[]>> = {
    TransferWithAuthorization: [['address', 'from'], ['address', 'to'], ['uint256', 'value'], ['uint256', 'validAfter'], ['uint256', 'validBefore'], ['bytes32', 'nonce']],
  }
  const message = { from: OTHER, to: TOKEN, value: 5, validAfter: 0, validBefore: 9, nonce: `0x${'00'.repeat(32)}` }
  expect(summaryOf(types, message).actions).toEqual([
    { action: 'transfer', fields: { token: TOKEN, from: OTHER, to: TOKEN, amount: '5', validAfter: '0', validBefore: '9' } },
  ])
})

test.each<[string, Readonly<Record<string, readonly Field[]>>, object]>([
  ['another name', { Allow: PERMIT }, permit(MAX256)],
  ['another type', { Permit: PERMIT.map(([type, name]): Field => (name === 'value' ? ['uint128', name] : [type, name])) }, permit('5')],
  ['another order', { Permit: [...PERMIT].toReversed() }, permit('5')],
  ['a name of every object', { ['constructor']: [['uint8', 'x']] as Field[] }, { x: 1 }],
])('only what it is to the letter: %s', (_, types, message) => {
  expect(summaryOf(types, message)).toEqual({ actions: [{ action: 'sign_typed_data', fields: {} }], warnings: ['unknown_typed_data'] })
})

test('a permit whose domain names no token names none', () => {
  expect(summaryOf({ Permit: PERMIT }, permit('5'), {})).toEqual({
    actions: [{ action: 'approve', fields: { owner: OTHER, spender: TOKEN, amount: '5', deadline: '9' } }], warnings: ['any_chain'],
  })
})

const SAFE: readonly Field[] = [
  ['address', 'to'], ['uint256', 'value'], ['bytes', 'data'], ['uint8', 'operation'], ['uint256', 'safeTxGas'], ['uint256', 'baseGas'], ['uint256', 'gasPrice'],
  ['address', 'gasToken'], ['address', 'refundReceiver'], ['uint256', 'nonce'],
]

test.each([[0, []], [1, ['delegate_call']], [2, ['delegate_call']]])('a Safe’s transaction with operation %d', (operation, more) => {
  const message = { to: OTHER, value: 0, data: '0x', operation, safeTxGas: 0, baseGas: 0, gasPrice: 0, gasToken: TOKEN, refundReceiver: TOKEN, nonce: 1 }
  expect(summaryOf({ SafeTx: SAFE }, message).warnings).toEqual(['unknown_typed_data', ...more])
})

describe('a user operation of ERC-4337', () => {
  const names = 'sender nonce initCode callData accountGasLimits preVerificationGas gasFees paymasterAndData'.split(' ')
  const types = 'address uint256 bytes bytes bytes32 uint256 bytes32 bytes'.split(' ')
  const fields = names.map((name, index): Field => [types[index] as string, name])
  const word = `0x${'00'.repeat(32)}`
  const message = { sender: OTHER, nonce: 0, initCode: '0x', callData: '0x', accountGasLimits: word, preVerificationGas: 0, gasFees: word, paymasterAndData: '0x' }
  const domain = { name: 'ERC4337', version: '1', chainId: 1, verifyingContract: '0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108' }

  test('is refused, whichever its version: it is a kind of its own', () => {
    const all = { PackedUserOperation: fields.map(([type, name]) => ({ name, type })) }
    for (const version of ['V3', 'V4']) {
      const data = JSON.stringify({ types: all, primaryType: 'PackedUserOperation', domain, message })
      expect(codeOf(() => readTypedData(payload('typedData', data, { version })))).toBe('payload_kind_unknown')
    }
  })

  test('is none by another name, or in another domain', () => {
    expect(summaryOf({ UserOperation: fields }, message, domain).warnings).toEqual(['unknown_typed_data'])
    expect(summaryOf({ PackedUserOperation: fields }, message, { ...domain, name: 'other' }).warnings).toEqual(['unknown_typed_data'])
  })
})

describe('bounds on what is shown', () => {
  const deep = (leaves: number) => {
    const name = (level: number) => `f${level}`.padEnd(128, 'x')
    const levels = [...Array(10).keys()]
    const types = Object.fromEntries(levels.map((level) => [`T${level}`, [[level === 9 ? 'bool[]' : `T${level + 1}`, name(level)]] as Field[]]))
    return { types, message: levels.reduceRight<unknown>((value, level) => ({ [name(level)]: value }), Array(leaves).fill(true)) as object }
  }

  test('paths of 256 KB at most', () => {
    const [fits, does] = [deep(190), deep(220)]
    expect(codeOf(() => summaryOf(fits.types, fits.message))).toBe('ok')
    expect(codeOf(() => summaryOf(does.types, does.message))).toBe('tx_too_large')
  })

  test('a summary of 512 KB at most, with what is hidden written out', () => {
    const text = (count: number) => codeOf(() => summaryOf({ Text: [['string', 'a']] }, { a: '\u007f'.repeat(count) }))
    expect([text(80_000), text(120_000)]).toEqual(['ok', 'tx_too_large'])
  })
})

test('version 1: the hash of packed names and packed values', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', 'é', '🚀') })
  const entry = fc.oneof(
    text.map((value) => ({ type: 'string', value })),
    fc.boolean().map((value) => ({ type: 'bool', value })),
    fc.uint8Array({ maxLength: 40 }).map((value) => ({ type: 'bytes', value: toHex(Uint8Array.from(value)) })),
    fc.uint8Array({ minLength: 7, maxLength: 7 }).map((value) => ({ type: 'bytes7', value: toHex(Uint8Array.from(value)) })),
    fc.constant({ type: 'address', value: TOKEN }),
    fc.bigInt(0n, 2n ** 24n - 1n).map((value) => ({ type: 'uint24', value: String(value) })),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => ({ type: 'int64', value: String(value) })),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(entry, text).map(([one, name]) => ({ ...one, name })), { minLength: 1, maxLength: 5 }), (entries) => {
      const digest = digestOf(planOf(readTypedData(payload('typedData', JSON.stringify(entries), { version: 'V1' }))))
      const schema = encodePacked(entries.map(() => 'string'), entries.map(({ type, name }) => `${type} ${name}`))
      const values = encodePacked(entries.map(({ type }) => type), entries.map(({ type, value }) => (/int/.test(type) ? BigInt(value) : value)) as never)
      expect(toHex(digest)).toBe(keccak256(concatHex([keccak256(schema), keccak256(values)])))
    }),
    { numRuns: RUNS },
  )
})
