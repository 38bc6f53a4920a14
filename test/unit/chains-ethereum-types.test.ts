/** EIP-2930, EIP-4844 with and without blobs, EIP-7702 and its authorizations: what is refused, by its own code, and what a person is told. */
import { concatHex, sha256, toHex, toRlp, type Hex } from 'viem'
import { hashAuthorization as ethersHashAuthorization, SigningKey } from 'ethers'
import { privateKeyToAccount } from 'viem/accounts'
import { hashAuthorization } from 'viem/utils'
import { readFields } from '../../lib/chains/ethereum/fields.ts'
import type { RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf } from '../support/core-codes.ts'
import { accountOf, digestOf, hex, KEY, planOf, sign } from '../support/evm.ts'

const TO = '0x3535353535353535353535353535353535353535' as const
const rlp = (items: unknown): Hex => toRlp(items as Hex[])
const typed = (type: number, items: unknown): Uint8Array => hex(concatHex([toHex(type, { size: 1 }), rlp(items)]))
const put = (list: readonly unknown[], at: number, value: unknown): readonly unknown[] => list.map((item, i) => (i === at ? value : item))
const read = (bytes: Uint8Array, chain = 'eip155:1'): string => codeOf(() => planOf(chain, 'transaction', bytes))

const ACCESS = [[TO, [`0x${'11'.repeat(32)}`]]]
// chainId, nonce, gasPrice, gasLimit, to, value, data, accessList
const EIP2930 = ['0x01', '0x07', '0x3b9aca00', '0xffff', TO, '0x01', '0x', ACCESS]
// chainId, nonce, tip, fee, gasLimit, to, value, data, accessList
const FEES = ['0x01', '0x07', '0x3b9aca00', '0x06fc23ac00', '0xffff', TO, '0x01', '0x', []]
const COMMITMENT: Hex = `0x${'c0'.padEnd(96, '0')}`
const HASH: Hex = `0x01${sha256(COMMITMENT).slice(4)}`
const EIP4844 = [...FEES, '0x03', [HASH]]
const TUPLE = ['0x01', TO, '0x05', '0x01', `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`]
const EIP7702 = [...FEES, [TUPLE]]
const SIGNATURE = ['0x01', `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`]

const BLOB = `0x${'00'.repeat(131_072)}`
const SIDECAR = [[BLOB], [COMMITMENT], [COMMITMENT]]
const CELLS = ['0x01', [BLOB], [COMMITMENT], Array.from({ length: 128 }, () => COMMITMENT)]

test.each<[string, Uint8Array]>([
  ['EIP-2930', typed(1, EIP2930)],
  ['EIP-2930 that creates a contract', typed(1, put(EIP2930, 4, '0x'))],
  ['EIP-4844', typed(3, EIP4844)],
  ['EIP-4844 with a blob', typed(3, [EIP4844, ...SIDECAR])],
  ['EIP-4844 with a blob and cell proofs', typed(3, [EIP4844, ...CELLS])],
  ['EIP-7702', typed(4, EIP7702)],
  ['EIP-7702 with an authorization for any chain', typed(4, put(EIP7702, 9, [put(TUPLE, 0, '0x')]))],
  ['EIP-4844 with nine hashes', typed(3, put(EIP4844, 10, Array.from({ length: 9 }, () => HASH)))],
])('accepts %s', (_what, bytes) => {
  expect(read(bytes)).toBe('ok')
})

test.each<[string, string, Uint8Array]>([
  ['EIP-2930, signed', 'tx_already_signed', typed(1, [...EIP2930, ...SIGNATURE])],
  ['EIP-2930 with a field too few', 'tx_malformed', typed(1, EIP2930.slice(0, 7))],
  ['EIP-2930 without a chain id', 'tx_chain_id_missing', typed(1, put(EIP2930, 0, '0x'))],
  ['EIP-2930 for another chain', 'tx_chain_id_mismatch', typed(1, put(EIP2930, 0, '0x02'))],
  ['EIP-2930 with a fee beyond 2^256', 'tx_overflow', typed(1, put(EIP2930, 2, `0x${'ff'.repeat(32)}`))],
  ['EIP-2930 with trailing bytes', 'tx_trailing_bytes', Uint8Array.of(...typed(1, EIP2930), 0)],

  ['EIP-4844, signed', 'tx_already_signed', typed(3, [...EIP4844, ...SIGNATURE])],
  ['EIP-4844 with EIP-1559’s fields', 'tx_malformed', typed(3, FEES)],
  ['EIP-4844 that creates a contract', 'tx_field_invalid', typed(3, put(EIP4844, 5, '0x'))],
  ['EIP-4844 without blobs', 'tx_field_invalid', typed(3, put(EIP4844, 10, []))],
  ['EIP-4844 with ten hashes', 'tx_field_invalid', typed(3, put(EIP4844, 10, Array.from({ length: 10 }, () => HASH)))],
  ['EIP-4844 with a hash of version 2', 'tx_field_invalid', typed(3, put(EIP4844, 10, [`0x02${HASH.slice(4)}`]))],
  ['EIP-4844 with a hash of 31 bytes', 'tx_field_invalid', typed(3, put(EIP4844, 10, [HASH.slice(0, 64)]))],
  ['EIP-4844 with a string for the hashes', 'tx_malformed', typed(3, put(EIP4844, 10, HASH))],
  ['EIP-4844 with a leading zero in the blob fee', 'tx_not_canonical', typed(3, put(EIP4844, 9, '0x0003'))],
  ['EIP-4844 with a blob fee of 33 bytes', 'tx_overflow', typed(3, put(EIP4844, 9, `0x${'11'.repeat(33)}`))],
  ['EIP-4844 with a blob fee beyond 2^256', 'tx_overflow', typed(3, put(EIP4844, 9, `0x${'ff'.repeat(32)}`))],
  ['EIP-4844 with a tip above the fee', 'tx_field_invalid', typed(3, put(EIP4844, 2, '0x06fc23ac01'))],

  ['a sidecar around a signed one', 'tx_already_signed', typed(3, [[...EIP4844, ...SIGNATURE], ...SIDECAR])],
  ['a sidecar around another type', 'tx_malformed', typed(2, [FEES, [], [], []])],
  ['a sidecar without proofs', 'tx_malformed', typed(3, [EIP4844, ...SIDECAR.slice(0, 2)])],
  ['a sidecar of six parts', 'tx_malformed', typed(3, [EIP4844, ...CELLS, []])],
  ['a sidecar of version 2', 'tx_field_invalid', typed(3, [EIP4844, ...put(CELLS, 0, '0x02')])],
  ['a sidecar of version 0', 'tx_field_invalid', typed(3, [EIP4844, ...put(CELLS, 0, '0x')])],
  ['a sidecar with a list for a version', 'tx_malformed', typed(3, [EIP4844, ...put(CELLS, 0, [])])],
  ['a sidecar without its blob', 'tx_field_invalid', typed(3, [EIP4844, [], [COMMITMENT], [COMMITMENT]])],
  ['a blob that is a byte short', 'tx_field_invalid', typed(3, [EIP4844, [BLOB.slice(0, -2)], [COMMITMENT], [COMMITMENT]])],
  ['a blob that is a list', 'tx_malformed', typed(3, [EIP4844, [[]], [COMMITMENT], [COMMITMENT]])],
  ['blobs that are a string', 'tx_malformed', typed(3, [EIP4844, BLOB, [COMMITMENT], [COMMITMENT]])],
  ['a second commitment', 'tx_field_invalid', typed(3, [EIP4844, [BLOB], [COMMITMENT, COMMITMENT], [COMMITMENT]])],
  ['a commitment that was not hashed', 'tx_field_invalid', typed(3, [EIP4844, [BLOB], [`0x${'c1'.padEnd(96, '0')}`], [COMMITMENT]])],
  ['a commitment of 47 bytes', 'tx_field_invalid', typed(3, [EIP4844, [BLOB], [COMMITMENT.slice(0, -2)], [COMMITMENT]])],
  ['no proof', 'tx_field_invalid', typed(3, [EIP4844, [BLOB], [COMMITMENT], []])],
  ['a proof of 49 bytes', 'tx_field_invalid', typed(3, [EIP4844, [BLOB], [COMMITMENT], [`${COMMITMENT}00`]])],
  ['127 cell proofs', 'tx_field_invalid', typed(3, [EIP4844, ...put(CELLS, 3, (CELLS[3] as Hex[]).slice(1))])],
  ['one proof where cells have theirs', 'tx_field_invalid', typed(3, [EIP4844, '0x01', ...SIDECAR])],
  ['cell proofs without a version', 'tx_field_invalid', typed(3, [EIP4844, ...CELLS.slice(1)])],
  ['two blobs, which no request can carry', 'tx_too_large', typed(3, [put(EIP4844, 10, [HASH, HASH]), [BLOB, BLOB], [COMMITMENT, COMMITMENT], [COMMITMENT, COMMITMENT]])],
  ['EIP-4844 without a sidecar, of a blob’s size', 'tx_too_large', typed(3, put(EIP4844, 7, BLOB))],

  ['EIP-7702, signed', 'tx_already_signed', typed(4, [...EIP7702, ...SIGNATURE])],
  ['EIP-7702 with EIP-1559’s fields', 'tx_malformed', typed(4, FEES)],
  ['EIP-7702 without authorizations', 'tx_field_invalid', typed(4, put(EIP7702, 9, []))],
  ['EIP-7702 with a string for them', 'tx_malformed', typed(4, put(EIP7702, 9, '0x'))],
  ['EIP-7702 that creates a contract', 'tx_field_invalid', typed(4, put(EIP7702, 5, '0x'))],
  ['an authorization without a signature', 'tx_malformed', typed(4, put(EIP7702, 9, [TUPLE.slice(0, 3)]))],
  ['an authorization of seven parts', 'tx_malformed', typed(4, put(EIP7702, 9, [[...TUPLE, '0x']]))],
  ['an authorization with a short address', 'tx_field_invalid', typed(4, put(EIP7702, 9, [put(TUPLE, 1, '0x35')]))],
  ['an authorization without an address', 'tx_field_invalid', typed(4, put(EIP7702, 9, [put(TUPLE, 1, '0x')]))],
  ['an authorization with a nonce of nine bytes', 'tx_field_invalid', typed(4, put(EIP7702, 9, [put(TUPLE, 2, `0x01${'00'.repeat(8)}`)]))],
  ['an authorization with a parity of two bytes', 'tx_field_invalid', typed(4, put(EIP7702, 9, [put(TUPLE, 3, '0x0100')]))],
  ['an authorization with r of 33 bytes', 'tx_field_invalid', typed(4, put(EIP7702, 9, [put(TUPLE, 4, `0x${'11'.repeat(33)}`)]))],
  ['an authorization with a leading zero in s', 'tx_not_canonical', typed(4, put(EIP7702, 9, [put(TUPLE, 5, '0x0011')]))],
])('rejects %s as %s', (_what, code, bytes) => {
  expect(read(bytes)).toBe(code)
})

test('a blob with its cell proofs and some calldata fits a request', () => {
  const bytes = typed(3, [put(EIP4844, 7, `0x${'11'.repeat(30_000)}`), ...CELLS])
  expect(bytes.length).toBeLessThan(LIMITS.maxTransactionBytes)
  expect((LIMITS.maxTransactionBytes + 4096) * (4 / 3)).toBeLessThan(LIMITS.maxBodyBytes)
  expect(read(bytes)).toBe('ok')
})

test('the summary of EIP-4844 has the blob fee in it, and each field', () => {
  const { summary } = planOf('eip155:1', 'transaction', typed(3, [put(EIP4844, 8, ACCESS), ...SIDECAR]))
  expect(summary.fields).toMatchObject({
    maxFeePerBlobGas: '3', blobVersionedHashes: JSON.stringify([HASH]), maximumFee: String(0xffffn * 30_000_000_000n + 131_072n * 3n),
    accessList: JSON.stringify([{ address: TO, storageKeys: [`0x${'11'.repeat(32)}`] }]),
  })
})

test('the summary of EIP-7702 names who delegates to whom', async () => {
  const account = privateKeyToAccount(`0x${'47'.repeat(32)}`)
  const tupleOf = async (chainId: number, contractAddress: Hex) => {
    const { r, s, yParity } = await account.signAuthorization({ chainId, contractAddress, nonce: 5 })
    return [chainId === 0 ? '0x' : '0x01', contractAddress, '0x05', yParity === 0 ? '0x' : '0x01', toRlpInteger(r), toRlpInteger(s)]
  }
  const tuples = [await tupleOf(1, TO), await tupleOf(0, TO), await tupleOf(1, `0x${'00'.repeat(20)}`), put(TUPLE, 3, '0x02')]
  const { summary } = planOf('eip155:1', 'transaction', typed(4, put(EIP7702, 9, tuples)))
  const common = { authority: account.address, nonce: '5' }
  expect(summary.actions).toEqual([
    expect.objectContaining({ action: 'transfer' }),
    { action: 'delegate', fields: { ...common, chainId: '1', delegate: TO } },
    { action: 'delegate', fields: { ...common, chainId: '0', delegate: TO } },
    { action: 'revoke_delegation', fields: { ...common, chainId: '1' } },
    { action: 'delegate', fields: { ...common, authority: 'nobody', chainId: '1', delegate: TO } },
  ])
  expect(summary.warnings).toEqual(['delegates_account', 'any_chain', 'gas_below_intrinsic'])
  expect(planOf('eip155:1', 'transaction', typed(4, put(EIP7702, 9, [tuples[2]]))).summary.warnings).toEqual([])
})

test('of a list of authorizations four signers are named; no list goes on forever', () => {
  const signersOf = (count: number) => planOf('eip155:1', 'transaction', typed(4, put(EIP7702, 9, Array.from({ length: count }, () => put(TUPLE, 3, '0x02'))))).summary
    .actions.slice(1).map(({ fields }) => fields['authority'])
  expect(signersOf(6)).toEqual(['nobody', 'nobody', 'nobody', 'nobody', 'not recovered', 'not recovered'])
  const listed = (at: number, list: unknown, type = 4) => read(typed(type, put(type === 4 ? EIP7702 : FEES, at, list)))
  expect([64, 65].map((count) => listed(9, Array.from({ length: count }, () => TUPLE)))).toEqual(['ok', 'tx_too_large'])
  expect([1000, 1001].map((count) => listed(8, Array.from({ length: count }, () => [TO, []]), 2))).toEqual(['ok', 'tx_too_large'])
})

test('keys of an access list: 4,000 at most, where a blob makes room for more bytes', () => {
  const keys = (count: number) => [[TO, Array(count).fill(`0x${'11'.repeat(32)}`)]]
  expect(() => readFields(['accessList'], [rlpItems(keys(4000))])).not.toThrow()
  expect(codeOf(() => readFields(['accessList'], [rlpItems(keys(4001))]))).toBe('tx_too_large')
})

function rlpItems(value: unknown): RlpItem {
  return Array.isArray(value) ? value.map(rlpItems) : hex(value as string)
}

const toRlpInteger = (value: Hex): Hex => {
  const digits = BigInt(value).toString(16)
  return `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`
}

describe('authorizations (EIP-7702)', () => {
  const AUTHORIZATION = ['0x01', TO, '0x05']
  const plan = (items: unknown, options: Parameters<typeof planOf>[3] = {}, chain = 'eip155:1') => planOf(chain, 'authorization', typed(5, items), options)

  test('signed as ethers and viem sign them', async () => {
    const signed = sign(plan(AUTHORIZATION))
    const theirs = await privateKeyToAccount(toHex(KEY)).signAuthorization({ chainId: 1, contractAddress: TO, nonce: 5 })
    expect(toHex(signed.signed)).toBe(rlp([...AUTHORIZATION, theirs.yParity === 0 ? '0x' : '0x01', toRlpInteger(theirs.r), toRlpInteger(theirs.s)]))
    expect(toHex(signed.hash)).toBe(hashAuthorization({ chainId: 1, contractAddress: TO, nonce: 5 }))
    expect(toHex(signed.hash)).toBe(ethersHashAuthorization({ chainId: 1, address: TO, nonce: 5 }))
    expect(new SigningKey(KEY).sign(signed.hash).r).toBe(theirs.r)
  })

  test('the summary says who runs what', () => {
    const { summary } = plan(AUTHORIZATION)
    const { address } = accountOf()
    expect(summary).toEqual({
      chain: 'eip155:1', kind: 'authorization', fields: { chainId: '1', address: TO, nonce: '5' }, warnings: ['delegates_account'],
      actions: [{ action: 'delegate', fields: { authority: address, delegate: TO, chainId: '1', nonce: '5' } }],
    })
    expect(plan(put(AUTHORIZATION, 1, `0x${'00'.repeat(20)}`)).summary).toMatchObject({ actions: [{ action: 'revoke_delegation' }], warnings: [] })
  })

  test('for any chain only with the permission', () => {
    const anyChain = put(AUTHORIZATION, 0, '0x')
    expect(codeOf(() => plan(anyChain))).toBe('payload_not_permitted')
    const permitted = plan(anyChain, { permissions: { withoutChainId: true } })
    expect(permitted.summary.warnings).toEqual(['delegates_account', 'any_chain'])
    expect(toHex(digestOf(permitted))).toBe(hashAuthorization({ chainId: 0, contractAddress: TO, nonce: 5 }))
    expect(codeOf(() => plan(anyChain, { permissions: { withoutChainId: true } }, 'eip155:x'))).toBe('chain_unknown')
  })

  test.each<[string, string, Uint8Array]>([
    ['nothing', 'tx_malformed', new Uint8Array()],
    ['another type', 'tx_type_unknown', typed(4, AUTHORIZATION)],
    ['a list without the magic', 'tx_type_unknown', hex(rlp(AUTHORIZATION))],
    ['a signed one', 'tx_already_signed', typed(5, TUPLE)],
    ['two parts', 'tx_malformed', typed(5, AUTHORIZATION.slice(0, 2))],
    ['another chain', 'tx_chain_id_mismatch', typed(5, put(AUTHORIZATION, 0, '0x02'))],
    ['a leading zero in the chain id', 'tx_not_canonical', typed(5, put(AUTHORIZATION, 0, '0x00'))],
    ['an address of 19 bytes', 'tx_field_invalid', typed(5, put(AUTHORIZATION, 1, `0x${'35'.repeat(19)}`))],
    ['a nonce of 2^64 - 1', 'tx_field_invalid', typed(5, put(AUTHORIZATION, 2, '0xffffffffffffffff'))],
    ['a list for the nonce', 'tx_malformed', typed(5, put(AUTHORIZATION, 2, []))],
    ['a trailing byte', 'tx_trailing_bytes', Uint8Array.of(...typed(5, AUTHORIZATION), 0)],
    ['too much', 'tx_too_large', new Uint8Array(LIMITS.maxTransactionBytes + 1).fill(5)],
  ])('rejects %s as %s', (_what, code, bytes) => {
    expect(codeOf(() => planOf('eip155:1', 'authorization', bytes))).toBe(code)
  })
})
