/** ERC-4337 user operations against viem, which has the hashes of each entry point; and what is refused. */
import fc from 'fast-check'
import { encodeFunctionData, hashMessage, parseAbi, recoverAddress, toHex, type Hex } from 'viem'
import { entryPoint06Address, entryPoint07Address, entryPoint08Address, getUserOperationHash, toPackedUserOperation, type UserOperation } from 'viem/account-abstraction'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf } from '../support/core-codes.ts'
import { accountOf, digestOf, planOf, RUNS, sign, type EvmOptions } from '../support/evm.ts'
import { address, bytesHex, uint } from '../support/evm-values.ts'

type Json = Readonly<Record<string, unknown>>
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? toHex(part) : part)))
const plan = (entryPoint: string, userOperation: unknown, options: EvmOptions = {}, chain = 'eip155:1') => planOf(chain, 'userOperation', json({ entryPoint, userOperation }), options)

const gas = uint(120n)

const factory = fc.oneof(fc.constant({}), fc.record({ factory: address, factoryData: bytesHex(0, 40) }))
const paymaster = fc.oneof(fc.constant({}), fc.record({ paymaster: address, paymasterVerificationGasLimit: gas, paymasterPostOpGasLimit: gas, paymasterData: bytesHex(0, 40) }))
const rest = fc.record({
  sender: address, nonce: uint(256n), callData: bytesHex(0, 100), callGasLimit: gas, verificationGasLimit: gas, preVerificationGas: gas,
  maxFeePerGas: gas, maxPriorityFeePerGas: gas, signature: bytesHex(0, 65),
})
const operation = fc.tuple(rest, factory, paymaster).map((parts) => Object.assign({}, ...parts) as UserOperation<'0.7'>)

describe.each([['0.7', entryPoint07Address], ['0.8', entryPoint08Address]] as const)('v%s', (entryPointVersion, entryPointAddress) => {
  const hashOf = (userOperation: object, chainId = 1): Hex => getUserOperationHash({ chainId, entryPointAddress, entryPointVersion, userOperation: userOperation as never })

  test('the hash is viem’s, packed or not', () => {
    fc.assert(
      fc.property(operation, fc.integer({ min: 1, max: 2 ** 40 }), (userOperation, chainId) => {
        const expected = hashOf(userOperation, chainId)
        const chain = `eip155:${chainId}`
        for (const form of [userOperation, toPackedUserOperation(userOperation)]) {
          const { summary, tasks } = plan(entryPointAddress, form, { context: { scheme: 'raw' } }, chain)
          expect(summary.fields['userOpHash']).toBe(expected)
          expect(tasks).toHaveLength(1)
          expect(toHex(digestOf(plan(entryPointAddress, form, { context: { scheme: 'eip191' } }, chain)))).toBe(hashMessage({ raw: expected }))
        }
      }),
      { numRuns: 2 * RUNS },
    )
  })
})

const OPERATION = {
  sender: '0x3535353535353535353535353535353535353535', nonce: '0x1', callData: '0x', callGasLimit: '0x100', verificationGasLimit: '0x200', preVerificationGas: '0x300',
  maxFeePerGas: '0x3', maxPriorityFeePerGas: '0x2',
}
const without = (object: Json, name: string): Json => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))
const AUTH = { chainId: '0x1', address: '0x1111111111111111111111111111111111111111', nonce: '0x0' }

test('v0.7 signs a personal message of the hash, v0.8 the hash; 65 bytes with v 27 or 28', async () => {
  const { address: owner } = accountOf()
  for (const [entryPoint, isRaw] of [[entryPoint07Address, false], [entryPoint08Address, true]] as const) {
    const { signed, hash } = sign(plan(entryPoint, OPERATION))
    expect(signed).toHaveLength(65)
    expect([27, 28]).toContain(signed[64])
    const digest = isRaw ? toHex(hash) : hashMessage({ raw: toHex(hash) })
    expect(await recoverAddress({ hash: digest, signature: toHex(signed) })).toBe(owner)
  }
})

describe('EIP-7702', () => {
  const hashWith = (authorization: object | undefined, factoryData?: Hex): Hex =>
    getUserOperationHash({
      chainId: 1, entryPointAddress: entryPoint08Address, entryPointVersion: '0.8',
      userOperation: { ...fields, factory: '0x7702', ...(factoryData === undefined ? {} : { factoryData }), ...(authorization === undefined ? {} : { authorization }) } as never,
    })
  const numbers = Object.fromEntries(Object.entries(OPERATION).filter(([, value]) => value.length < 10 && value !== '0x').map(([name, value]) => [name, BigInt(value)]))
  const fields = { ...OPERATION, ...numbers }
  const padded = `0x7702${'00'.repeat(18)}`

  test.each<[string, object, Hex | undefined]>([
    ['a factory of 0x7702', { ...OPERATION, factory: '0x7702' }, undefined],
    ['one of 20 bytes', { ...OPERATION, factory: padded }, undefined],
    ['with data for the account', { ...OPERATION, factory: '0x7702', factoryData: '0x0102' }, '0x0102'],
  ])('v0.8 hashes the delegate: %s', (_what, given, factoryData) => {
    const { summary } = plan(entryPoint08Address, { ...given, eip7702Auth: AUTH })
    expect(summary.fields['userOpHash']).toBe(hashWith(AUTH, factoryData))
    expect(summary.actions[0]).toEqual({ action: 'delegate', fields: { authority: OPERATION.sender, delegate: AUTH.address, chainId: '1' } })
    expect(summary.warnings).toContain('delegates_account')
  })

  test('packed, with the marker alone', () => {
    const packed = { ...toPackedUserOperation(fields as never), initCode: '0x7702', eip7702Auth: AUTH }
    expect(plan(entryPoint08Address, packed).summary.fields['userOpHash']).toBe(hashWith(AUTH))
  })

  test('rejects a delegate that is not hashed, and so not signed; without it, the account that comes to be is shown', () => {
    const deployed = { ...OPERATION, factory: AUTH.address, factoryData: '0x01' }
    for (const entryPoint of [entryPoint07Address, entryPoint08Address]) {
      expect(plan(entryPoint, deployed).summary.actions).toEqual([{ action: 'deploy_account', fields: { account: OPERATION.sender, factory: AUTH.address } }])
      for (const operation of [deployed, OPERATION]) expect(codeOf(() => plan(entryPoint, { ...operation, eip7702Auth: AUTH }))).toBe('tx_field_invalid')
    }
    expect(codeOf(() => plan(entryPoint07Address, { ...OPERATION, factory: padded, eip7702Auth: AUTH }))).toBe('tx_field_invalid')
    expect(plan(entryPoint08Address, { ...OPERATION, factory: padded, eip7702Auth: AUTH }).summary.actions).toHaveLength(1)
  })

  test('rejects v0.8 without the delegate, and one for another chain', () => {
    expect(codeOf(() => plan(entryPoint08Address, { ...OPERATION, factory: '0x7702' }))).toBe('tx_field_invalid')
    expect(codeOf(() => plan(entryPoint08Address, { ...OPERATION, factory: '0x7702', eip7702Auth: { ...AUTH, chainId: '0x2' } }))).toBe('tx_chain_id_mismatch')
  })
})

describe('the summary', () => {
  const TO = '0x2222222222222222222222222222222222222222'
  const OTHER = '0x4444444444444444444444444444444444444444'

  test('says what the entry point calls the account with', () => {
    const actionsOf = (callData: Hex) => plan(entryPoint07Address, { ...OPERATION, callData }).summary
    expect(actionsOf('0x')).toMatchObject({ actions: [], warnings: [] })
    expect(actionsOf('0xdeadbeef00')).toMatchObject({
      actions: [{ action: 'unknown_call', fields: { from: entryPoint07Address, to: OPERATION.sender, value: '0', data: '0xdeadbeef00' } }], warnings: ['unknown_call'],
    })
    // execute(address,uint256,bytes): the account's own call is inside.
    const callData = encodeFunctionData({ abi: parseAbi(['function execute(address,uint256,bytes)']), args: [TO, 7n, '0x'] })
    expect(actionsOf(callData)).toMatchObject({ actions: [{ action: 'execute' }, { action: 'transfer', fields: { from: OPERATION.sender, to: TO, amount: '7' } }], warnings: [] })
  })

  test('has each field, the gas of all parts, and the account that comes to be', () => {
    const paymaster = { paymaster: TO, paymasterVerificationGasLimit: '0x10', paymasterPostOpGasLimit: '0x20', paymasterData: '0xaa' }
    const { summary } = plan(entryPoint07Address, { ...OPERATION, ...paymaster, factory: OTHER, factoryData: '0xbb' })
    expect(summary).toMatchObject({
      chain: 'eip155:1', kind: 'user_operation', warnings: [],
      actions: [{ action: 'deploy_account', fields: { account: OPERATION.sender, factory: OTHER } }],
      fields: {
        sender: OPERATION.sender, nonce: '1', callData: '0x', initCode: `${OTHER}bb`, paymasterAndData: `${TO}${'10'.padStart(32, '0')}${'20'.padStart(32, '0')}aa`,
        maximumFee: String((0x100 + 0x200 + 0x300 + 0x10 + 0x20) * 3), entryPoint: entryPoint07Address, scheme: 'eip191',
      },
    })
  })
})

const PACKED: Json = {
  sender: OPERATION.sender, nonce: '0x1', initCode: '0x', callData: '0x', accountGasLimits: `0x${'00'.repeat(32)}`, preVerificationGas: '0x1', gasFees: `0x${'00'.repeat(32)}`, paymasterAndData: '0x',
}

test.each<[string, string, unknown, string?]>([
  ['the entry point of v0.6', 'tx_type_unknown', OPERATION, entryPoint06Address],
  ['an entry point that is nobody’s', 'tx_type_unknown', OPERATION, OPERATION.sender],
  ['an entry point that is no address', 'tx_malformed', OPERATION, 'v0.7'],
  ['no operation', 'tx_malformed', null],
  ['a list', 'tx_malformed', []],
  ['a field too many', 'tx_malformed', { ...OPERATION, verifyingPaymaster: '0x' }],
  ['a prototype', 'tx_malformed', { ...OPERATION, constructor: '0x' }],
  ['a field too few', 'tx_malformed', without(OPERATION, 'nonce')],
  ['packed and not', 'tx_malformed', { ...OPERATION, ...PACKED }],
  ['packed with a field too few', 'tx_malformed', without(PACKED, 'initCode')],
  ['factory data without a factory', 'tx_malformed', { ...OPERATION, factoryData: '0x' }],
  ['paymaster data without a paymaster', 'tx_malformed', { ...OPERATION, paymasterData: '0x' }],
  ['a paymaster without its gas', 'tx_malformed', { ...OPERATION, paymaster: OPERATION.sender }],
  ['null for a factory', 'tx_malformed', { ...OPERATION, factory: null }],
  ['a decimal number', 'tx_malformed', { ...OPERATION, nonce: '1' }],
  ['a JSON number', 'tx_malformed', { ...OPERATION, nonce: 1 }],
  ['a number without digits', 'tx_malformed', { ...OPERATION, nonce: '0x' }],
  ['a number of 257 bits', 'tx_malformed', { ...OPERATION, nonce: `0x1${'00'.repeat(32)}` }],
  ['gas of 121 bits', 'tx_overflow', { ...OPERATION, callGasLimit: `0x1${'00'.repeat(15)}` }],
  ['gas of 256 bits', 'tx_overflow', { ...OPERATION, preVerificationGas: `0x${'ff'.repeat(32)}` }],
  ['packed gas of 128 bits', 'tx_overflow', { ...PACKED, gasFees: `0x${'ff'.repeat(32)}` }],
  ['packed gas of 31 bytes', 'tx_field_invalid', { ...PACKED, accountGasLimits: `0x${'00'.repeat(31)}` }],
  ['half a paymaster', 'tx_field_invalid', { ...PACKED, paymasterAndData: OPERATION.sender }],
  ['half a factory', 'tx_field_invalid', { ...PACKED, initCode: '0x1234' }],
  ['odd hex', 'tx_malformed', { ...OPERATION, callData: '0x123' }],
  ['hex without 0x', 'tx_malformed', { ...OPERATION, callData: '12' }],
  ['a sender of 19 bytes', 'tx_field_invalid', { ...OPERATION, sender: `0x${'35'.repeat(19)}` }],
  ['a wrong checksum', 'tx_field_invalid', { ...OPERATION, sender: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'.replace('aA', 'Aa') }],
  ['a signature that is no hex', 'tx_malformed', { ...OPERATION, signature: 'later' }],
  ['the short marker in v0.7', 'tx_field_invalid', { ...OPERATION, factory: '0x7702' }],
  ['an authorization with another field', 'tx_malformed', { ...OPERATION, eip7702Auth: { ...AUTH, v: '0x1b' } }],
])('rejects %s as %s', (_what, code, userOperation, entryPoint = entryPoint07Address) => {
  expect(codeOf(() => plan(entryPoint, userOperation))).toBe(code)
})

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['no JSON', new TextEncoder().encode('{')],
  ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, ...json({ entryPoint: entryPoint07Address, userOperation: OPERATION }))],
  ['bytes that are not UTF-8', Uint8Array.of(...json({ entryPoint: entryPoint07Address, userOperation: OPERATION }), 0xff)],
  ['text after it', Uint8Array.of(...json({ entryPoint: entryPoint07Address, userOperation: OPERATION }), 0x7d)],
  ['another field beside it', json({ entryPoint: entryPoint07Address, userOperation: OPERATION, chainId: '0x1' })],
  ['a field twice', new TextEncoder().encode(`{"entryPoint":"${entryPoint07Address}","userOperation":${JSON.stringify(OPERATION).replace('"nonce"', '"nonce":"0x2","nonce"')}}`)],
  ['a field twice, once escaped', new TextEncoder().encode(`{"entryPoint":"${entryPoint07Address}","userOperation":${JSON.stringify(OPERATION).replace('"nonce"', '"n\\u006fnce":"0x2","nonce"')}}`)],
])('rejects %s', (_what, data) => {
  expect(codeOf(() => planOf('eip155:1', 'userOperation', data))).toBe('tx_malformed')
})

test('rejects what is too large, a chain that is none, and a context that is not understood', () => {
  expect(codeOf(() => planOf('eip155:1', 'userOperation', new Uint8Array(LIMITS.maxTransactionBytes + 1)))).toBe('tx_too_large')
  expect(codeOf(() => plan(entryPoint07Address, OPERATION, {}, 'eip155:01'))).toBe('chain_unknown')
  for (const context of [{}, { scheme: 'eip712' }, { scheme: 'raw', more: 1 }, 'raw', []]) expect(codeOf(() => plan(entryPoint07Address, OPERATION, { context }))).toBe('parameters_malformed')
})
