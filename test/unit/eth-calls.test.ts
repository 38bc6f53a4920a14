/** What a call is said to do: each function that is known, calls within calls, and what is not understood. */
import { concatHex, encodeAbiParameters, encodeFunctionData, hexToBytes, keccak256, parseAbi, parseAbiParameters, toFunctionSelector, type Hex } from 'viem'
import { BATCH_RULES } from '../../lib/chains/ethereum/calls/batches.ts'
import { describeCall } from '../../lib/chains/ethereum/calls/describe.ts'
import { PERMIT2_RULES } from '../../lib/chains/ethereum/calls/permit2.ts'
import { TOKEN_RULES } from '../../lib/chains/ethereum/calls/tokens.ts'

const ME = '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'
const IT = '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'
const A = '0x000000000000000000000000000000000000dEaD'
const B = '0x3535353535353535353535353535353535353535'
const MAX = 2n ** 256n - 1n
const MAX96 = 2n ** 96n - 1n
const MAX160 = 2n ** 160n - 1n
const WORD: Hex = `0x${'11'.repeat(32)}`

/** `transfer(address,uint256)` → its calldata. */
const data = (signature: string, ...args: readonly unknown[]): Hex =>
  encodeFunctionData({ abi: parseAbi([`function ${signature}`] as never), args: args as never } as never)
const describeData = (hex: Hex, value = 0n, to: string | null = IT, from: string | null = ME) => describeCall({ chain: 'eip155:1', from, to, value, data: hexToBytes(hex) })
const said = (action: string, fields: Readonly<Record<string, string>>, ...warnings: readonly string[]) => ({ actions: [{ action, fields }], warnings })

const transferA = data('transfer(address,uint256)', A, 5n)
const transferred = { action: 'transfer', fields: { token: IT, from: ME, to: A, amount: '5' } }

describe('without a function', () => {
  test('a transfer of ether; a contract that is made', () => {
    expect(describeData('0x', 7n)).toEqual(said('transfer', { from: ME, to: IT, amount: '7' }))
    expect(describeData('0x', 0n, IT, null)).toEqual(said('transfer', { to: IT, amount: '0' }))
    expect(describeData('0x6001', 7n, null)).toEqual(said('create', { from: ME, value: '7', codeBytes: '2', codeHash: keccak256('0x6001') }, 'contract_creation'))
  })

  test('a function that nobody knows, or none: all of its data', () => {
    expect(describeData('0x12345678ff', 7n)).toEqual(said('unknown_call', { from: ME, to: IT, value: '7', data: '0x12345678ff' }, 'unknown_call'))
    expect(describeData('0x12')).toEqual(said('unknown_call', { from: ME, to: IT, value: '0', data: '0x12' }, 'unknown_call'))
  })

  test('a function that is known, with data that are not its own', () => {
    const odd: Hex = `${transferA}00`
    expect(describeData(odd)).toEqual(said('unknown_call', { from: ME, to: IT, value: '0', data: odd }, 'unknown_call', 'undecodable_call'))
    for (const { signature } of [...TOKEN_RULES, ...PERMIT2_RULES, ...BATCH_RULES]) {
      const { warnings } = describeData(concatHex([toFunctionSelector(`function ${signature}`), '0xff']))
      expect([signature, warnings]).toEqual([signature, ['unknown_call', 'undecodable_call']])
    }
  })
})

describe('tokens', () => {
  const approve = 'approve(address,uint256)'
  test.each<[string, Hex, ReturnType<typeof said>]>([
    ['transfer', transferA, { actions: [transferred], warnings: [] }],
    ['transferFrom', data('transferFrom(address,address,uint256)', A, B, 5n), said('transferFrom', { token: IT, from: A, to: B, amountOrTokenId: '5' })],
    ['approve', data(approve, A, 5n), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: '5' })],
    ['approve, just below', data(approve, A, 2n ** 128n - 1n), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(2n ** 128n - 1n) })],
    ['approve, 2^128', data(approve, A, 2n ** 128n), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(2n ** 128n) }, 'unlimited_approval')],
    ['approve, half of all but one', data(approve, A, 2n ** 255n - 1n), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(2n ** 255n - 1n) }, 'unlimited_approval')],
    ['approve, all of 96 bits', data(approve, A, MAX96), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(MAX96) }, 'unlimited_approval')],
    ['approve, less than that', data(approve, A, MAX96 - 1n), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(MAX96 - 1n) })],
    ['approve, all', data(approve, A, MAX), said('approve', { token: IT, owner: ME, spender: A, amountOrTokenId: String(MAX) }, 'unlimited_approval')],
    ['increaseAllowance', data('increaseAllowance(address,uint256)', A, MAX), said('approve', { token: IT, owner: ME, spender: A, increase: String(MAX) }, 'unlimited_approval')],
    ['decreaseAllowance', data('decreaseAllowance(address,uint256)', A, MAX), said('approve', { token: IT, owner: ME, spender: A, decrease: String(MAX) })],
    [
      'permit', data('permit(address,address,uint256,uint256,uint8,bytes32,bytes32)', A, B, MAX, 9n, 27, WORD, WORD),
      said('approve', { token: IT, owner: A, spender: B, amount: String(MAX), deadline: '9' }, 'unlimited_approval'),
    ],
    ['permit with bytes', data('permit(address,address,uint256,uint256,bytes)', A, B, 5n, 9n, '0x11'), said('approve', { token: IT, owner: A, spender: B, amount: '5', deadline: '9' })],
    [
      'permit of DAI', data('permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)', A, B, 1n, 9n, true, 27, WORD, WORD),
      said('approve', { token: IT, owner: A, spender: B, amount: 'unlimited', deadline: '9' }, 'unlimited_approval'),
    ],
    [
      'permit of DAI, taken back', data('permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)', A, B, 1n, 9n, false, 27, WORD, WORD),
      said('approve', { token: IT, owner: A, spender: B, amount: '0', deadline: '9' }),
    ],
    ['safeTransferFrom', data('safeTransferFrom(address,address,uint256)', A, B, 5n), said('transfer', { token: IT, from: A, to: B, tokenId: '5' })],
    ['… with data', data('safeTransferFrom(address,address,uint256,bytes)', A, B, 5n, '0x1122'), said('transfer', { token: IT, from: A, to: B, tokenId: '5', dataBytes: '2' })],
    ['setApprovalForAll', data('setApprovalForAll(address,bool)', A, true), said('setApprovalForAll', { token: IT, owner: ME, operator: A, approved: 'true' }, 'approval_for_all')],
    ['… taken back', data('setApprovalForAll(address,bool)', A, false), said('setApprovalForAll', { token: IT, owner: ME, operator: A, approved: 'false' })],
    ['ERC-1155', data('safeTransferFrom(address,address,uint256,uint256,bytes)', A, B, 5n, 6n, '0x'), said('transfer', { token: IT, from: A, to: B, tokenId: '5', amount: '6', dataBytes: '0' })],
    ['withdraw', data('withdraw(uint256)', 5n), said('withdraw', { contract: IT, from: ME, amount: '5' })],
  ])('%s', (_, hex, expected) => expect(describeData(hex)).toEqual(expected))

  test('ERC-1155, many: as many ids as amounts', () => {
    const batch = 'safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)'
    expect(describeData(data(batch, A, B, [1n, 2n], [3n, 4n], '0x')).actions.map(({ fields }) => [fields['tokenId'], fields['amount']])).toEqual([['1', '3'], ['2', '4']])
    expect(describeData(data(batch, A, B, [1n, 2n], [3n], '0x')).warnings).toEqual(['unknown_call', 'undecodable_call'])
  })

  test('ether that goes along is said', () => {
    const pay = { action: 'pay', fields: { from: ME, to: IT, amount: '7' } }
    const warnings = ['value_to_contract']
    expect(describeData(data('deposit()'), 7n)).toEqual({ actions: [pay, { action: 'wrap', fields: { contract: IT, from: ME, amount: '7' } }], warnings })
    expect(describeData(transferA, 7n)).toEqual({ actions: [pay, transferred], warnings })
    expect(describeData(data('multicall(bytes[])', []), 7n)).toMatchObject({ actions: [pay, { action: 'multicall', fields: { value: '7' } }], warnings })
    expect(describeData(data('deposit()')).warnings).toEqual([])
  })
})

describe('Permit2', () => {
  const D = '(address token,uint160 amount,uint48 expiration,uint48 nonce)'
  const details = (amount: bigint) => ({ token: A, amount, expiration: 7, nonce: 0 })
  const fields = { token: A, owner: B, spender: IT, expiration: '7', deadline: '9' }

  test('approve and permit', () => {
    const approve = 'approve(address,address,uint160,uint48)'
    for (const amount of [MAX96, 2n ** 128n - 1n]) {
      expect(describeData(data(approve, A, B, amount, 7))).toEqual(said('approve', { token: A, owner: ME, spender: B, amount: String(amount), expiration: '7' }))
    }
    for (const amount of [2n ** 128n, MAX160 - 1n, MAX160]) expect(describeData(data(approve, A, B, amount, 7)).warnings).toEqual(['unlimited_approval'])
    const single = data(`permit(address,(${D} details,address spender,uint256 deadline),bytes)`, B, { details: details(5n), spender: IT, deadline: 9n }, '0x')
    expect(describeData(single)).toEqual(said('approve', { ...fields, amount: '5' }))
    const batch = data(`permit(address,(${D}[] details,address spender,uint256 deadline),bytes)`, B, { details: [details(5n), details(MAX160)], spender: IT, deadline: 9n }, '0x')
    expect(describeData(batch)).toEqual({
      actions: [{ action: 'approve', fields: { ...fields, amount: '5' } }, { action: 'approve', fields: { ...fields, amount: String(MAX160) } }],
      warnings: ['unlimited_approval'],
    })
  })

  test('transfers', () => {
    const moved = said('transfer', { token: IT, from: A, to: B, amount: '5' })
    expect(describeData(data('transferFrom(address,address,uint160,address)', A, B, 5n, IT))).toEqual(moved)
    expect(describeData(data('transferFrom((address a,address b,uint160 c,address d)[])', [{ a: A, b: B, c: 5n, d: IT }]))).toEqual(moved)
    const signed = data(
      'permitTransferFrom(((address token,uint256 amount) permitted,uint256 nonce,uint256 deadline),(address to,uint256 amount),address,bytes)',
      { permitted: { token: IT, amount: 9n }, nonce: 0n, deadline: 1n }, { to: B, amount: 5n }, A, '0x',
    )
    expect(describeData(signed)).toEqual(moved)
  })
})

describe('calls within calls', () => {
  const multicall = (...calls: readonly Hex[]): Hex => data('multicall(bytes[])', calls)

  test('a contract with itself: on behalf of the same sender', () => {
    const expected = [{ action: 'multicall', fields: { contract: IT, calls: '2' } }, transferred, transferred]
    expect(describeData(multicall(transferA, transferA))).toEqual({ actions: expected, warnings: [] })
    const { actions } = describeData(data('multicall(uint256,bytes[])', 9n, [transferA]), 7n)
    expect(actions.slice(1)).toEqual([{ action: 'multicall', fields: { contract: IT, calls: '1', deadline: '9', value: '7' } }, transferred])
  })

  test.each<[string, Hex, string]>([
    ['aggregate', data('aggregate((address t,bytes d)[])', [{ t: A, d: transferA }]), '0'],
    ['tryAggregate', data('tryAggregate(bool,(address t,bytes d)[])', false, [{ t: A, d: transferA }]), '0'],
    ['aggregate3', data('aggregate3((address t,bool f,bytes d)[])', [{ t: A, f: true, d: transferA }]), '0'],
    ['aggregate3Value', data('aggregate3Value((address t,bool f,uint256 v,bytes d)[])', [{ t: A, f: true, v: 3n, d: transferA }]), '3'],
    ['execute', data('execute(address,uint256,bytes)', A, 3n, transferA), '3'],
    ['executeBatch', data('executeBatch(address[],bytes[])', [A], [transferA]), '0'],
    ['executeBatch with values', data('executeBatch(address[],uint256[],bytes[])', [A], [3n], [transferA]), '3'],
    ['executeBatch without any', data('executeBatch(address[],uint256[],bytes[])', [A], [], [transferA]), '0'],
    ['executeBatch of structs', data('executeBatch((address t,uint256 v,bytes d)[])', [{ t: A, v: 3n, d: transferA }]), '3'],
  ])('%s: the contract is who calls', (_, hex, value) => {
    const { actions, warnings } = describeData(hex)
    const paid = value === '0' ? [] : [{ action: 'pay', fields: { from: IT, to: A, amount: value } }]
    expect(actions.slice(1)).toEqual([...paid, { action: 'transfer', fields: { token: A, from: IT, to: A, amount: '5' } }])
    expect([actions[0]?.fields, warnings]).toEqual([{ contract: IT, calls: '1' }, value === '0' ? [] : ['value_to_contract']])
  })

  const one = concatHex([A, `0x${'3'.padStart(64, '0')}`, transferA])
  const many = encodeAbiParameters(parseAbiParameters('(address t, uint256 v, bytes d)[]'), [[{ t: A, v: 3n, d: transferA }]])
  const modular = (mode: string, content: Hex): Hex => data('execute(bytes32,bytes)', `0x${mode.padEnd(64, '0')}`, content)

  test.each<[string, Hex]>([['0000', one], ['0001', one], ['0100', many], ['0101', many], ['01000000000078210001', many], ['01010000000078210001', many]])(
    'ERC-7579 in mode %s: the contract is who calls',
    (mode, content) => {
      const { actions, warnings } = describeData(modular(mode, content))
      expect(actions).toEqual([
        { action: 'execute', fields: { contract: IT, calls: '1', mode: `0x${mode.padEnd(64, '0')}` } },
        { action: 'pay', fields: { from: IT, to: A, amount: '3' } },
        { action: 'transfer', fields: { token: A, from: IT, to: A, amount: '5' } },
      ])
      expect(warnings).toEqual(['value_to_contract'])
    },
  )

  test.each<[string, Hex]>([
    ['0002', one], ['02', many], ['fe', many], ['ff', one], ['01000000000078210002', many], ['01000000000012345678', many], ['00000000000078210001', one], ['0100000001', many],
    ['0100000000000000000001', many], [`0100${'00'.repeat(29)}01`, many], ['0102', many],
  ])('not understood: ERC-7579 in mode %s', (mode, content) => {
    expect(describeData(modular(mode, content)).warnings).toEqual(['unknown_call', 'undecodable_call'])
  })

  test.each<[string, Hex]>([
    ['fewer data than targets', data('executeBatch(address[],bytes[])', [A, B], [transferA])],
    ['fewer values than targets', data('executeBatch(address[],uint256[],bytes[])', [A, B], [1n], [transferA, transferA])],
    ['delegatecall (ERC-7579)', data('execute(bytes32,bytes)', `0xff${'00'.repeat(31)}`, concatHex([A, transferA]))],
    ['one call, cut short (ERC-7579)', data('execute(bytes32,bytes)', `0x${'00'.repeat(32)}`, A)],
  ])('not understood: %s', (_, hex) => expect(describeData(hex)).toEqual(said('unknown_call', { from: ME, to: IT, value: '0', data: hex.toLowerCase() }, 'unknown_call', 'undecodable_call')))

  test('what is not understood inside is shown where it stands', () => {
    const { actions, warnings } = describeData(multicall(transferA, '0x12345678', data('setApprovalForAll(address,bool)', A, true)))
    expect(actions.map(({ action }) => action)).toEqual(['multicall', 'transfer', 'unknown_call', 'setApprovalForAll'])
    expect(warnings).toEqual(['unknown_call', 'approval_for_all'])
  })

  test('warnings are said once', () => {
    const unlimited = data('approve(address,uint256)', A, MAX)
    expect(describeData(multicall(unlimited, unlimited)).warnings).toEqual(['unlimited_approval'])
  })

  test('too deep or too many: shown as data, with the warnings found so far', () => {
    const deep = (levels: number): Hex => (levels === 0 ? transferA : multicall(deep(levels - 1)))
    expect(describeData(deep(3)).warnings).toEqual([])
    expect(describeData(deep(4))).toEqual(said('unknown_call', { from: ME, to: IT, value: '0', data: deep(4) }, 'unknown_call', 'undecodable_call'))
    expect(describeData(multicall(...Array<Hex>(255).fill(transferA))).actions).toHaveLength(256)
    const many = multicall(data('approve(address,uint256)', A, MAX), ...Array<Hex>(255).fill(transferA))
    expect(describeData(many)).toEqual(said('unknown_call', { from: ME, to: IT, value: '0', data: many }, 'unlimited_approval', 'unknown_call', 'undecodable_call'))
  })
})

test('no two functions share their four bytes', () => {
  const selectors = [...TOKEN_RULES, ...PERMIT2_RULES, ...BATCH_RULES].map(({ signature }) => toFunctionSelector(`function ${signature}`))
  expect(new Set(selectors).size).toBe(selectors.length)
})
