/** Bitcoin: what is refused, each by its own code; what a person is shown; what comes out. */
import { sha256 } from '@noble/hashes/sha2.js'
import { Psbt, Transaction } from 'bitcoinjs-lib'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { MAX_OWN_INPUTS } from '../../lib/chains/bitcoin/own-inputs.ts'
import { MAINNET, NETWORKS, REGTEST, TESTNET4 } from '../../lib/chains/bitcoin/networks.ts'
import { readMaps, withEntry, writeMaps, type PsbtMap, type PsbtMaps } from '../../lib/chains/bitcoin/psbt-maps.ts'
import { scriptOf } from '../../lib/chains/bitcoin/scripts.ts'
import type { Plan, SigningContext } from '../../lib/chains/chain.ts'
import { allChains } from '../../lib/chains/registry.ts'
import { concat, toHex } from '../../lib/protocol/bytes.ts'
import type { Permissions } from '../../lib/protocol/operations.ts'
import { codeOf } from '../support/core-codes.ts'
import { asVersion2, build, scriptAt, type InputSpec, type OutputSpec, type PsbtSpec } from '../support/bitcoin-psbt.ts'
import { contextOf, walletFrom } from '../support/bitcoin-wallet.ts'
import { scriptErrors } from '../support/bitcore.ts'

const wallet = walletFrom(new Uint8Array(32).fill(7))
const stranger = walletFrom(new Uint8Array(32).fill(8))
const ACCOUNT = "m/84'/0'/0'"
const account = wallet.account(ACCOUNT)
const payee = scriptAt(stranger, 'p2wpkh', 'm/0')
const own: InputSpec = { type: 'p2wpkh', path: `${ACCOUNT}/0/5`, amount: 100_000n }
/** With its previous transaction, as an input next to others must be. */
const proven: InputSpec = { ...own, previous: true }
const legacy: InputSpec = { type: 'p2pkh', path: "m/44'/0'/0'/0/1", amount: 100_000n }
const pay: OutputSpec = { script: payee, amount: 60_000n }
const change: OutputSpec = { script: scriptAt(wallet, 'p2wpkh', `${ACCOUNT}/1/2`), amount: 39_000n, key: { type: 'p2wpkh', path: `${ACCOUNT}/1/2` } }
const usual: PsbtSpec = { inputs: [own], outputs: [pay, change] }

const read = (data: Uint8Array, context: SigningContext = contextOf(account), chain = MAINNET.id): Plan => bitcoin.read({ chain, kind: 'transaction', data, context: null }).plan(context)
const refusal = (data: Uint8Array, context?: SigningContext, chain?: string): string => codeOf(() => read(data, context, chain))
const planOf = (spec: PsbtSpec, permissions: Partial<Permissions> = {}): Plan => read(build(wallet, spec).bytes, contextOf(account, { permissions }))
const refusalOf = (spec: PsbtSpec, permissions: Partial<Permissions> = {}): string => codeOf(() => planOf(spec, permissions))

/** The same PSBT with its maps changed. */
function edited(bytes: Uint8Array, edit: (maps: PsbtMaps) => Partial<PsbtMaps>): Uint8Array {
  const maps = readMaps(bytes)
  return writeMaps({ ...maps, ...edit(maps) })
}
const inInput = (bytes: Uint8Array, edit: (map: PsbtMap) => PsbtMap): Uint8Array => edited(bytes, ({ inputs: [first, ...others] }) => ({ inputs: [edit(first as PsbtMap), ...others] }))
const set = (type: number, value: Uint8Array) => (map: PsbtMap): PsbtMap => withEntry(map, Uint8Array.of(type), value)
const without = (type: number) => (map: PsbtMap): PsbtMap => map.filter(({ key }) => key[0] !== type)
const fresh = (spec: PsbtSpec = usual): Uint8Array => build(wallet, spec).bytes

test('the networks are named by the hashes of their genesis blocks', () => {
  const merkle = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'
  const headers: readonly (readonly [string, number, number, number])[] = [
    [merkle, 1231006505, 0x1d00ffff, 2083236893],
    ['7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e', 1714777860, 0x1d00ffff, 393743547],
    [merkle, 1598918400, 0x1e0377ae, 52613770],
    [merkle, 1296688602, 0x207fffff, 2],
  ]
  const ids = headers.map(([root, time, bits, nonce]) => {
    const header = Buffer.alloc(80)
    header.writeUInt32LE(1, 0)
    Buffer.from(root, 'hex').reverse().copy(header, 36)
    ;[time, bits, nonce].forEach((value, i) => header.writeUInt32LE(value, 68 + 4 * i))
    return `bip122:${toHex(sha256(sha256(header)).reverse()).slice(0, 32)}`
  })
  expect(NETWORKS.map(({ id }) => id)).toEqual(ids)
})

describe('accounts', () => {
  test('paths by index and variant', () => {
    expect(allChains()).toContain(bitcoin)
    expect(bitcoin.path(0)).toBe("m/84'/0'/0'")
    expect(['bip44', 'bip49', 'bip84', 'bip86'].map((variant) => bitcoin.path(7, variant))).toEqual(["m/44'/0'/7'", "m/49'/0'/7'", "m/84'/0'/7'", "m/86'/0'/7'"])
    expect(bitcoin.path(1, 'bip86-testnet')).toBe("m/86'/1'/1'")
    for (const [index, variant] of [[-1, null], [0.5, null], [2 ** 31, null], [0, 'bip45'], [0, 'bip84-'], [0, '']] as const) {
      expect(codeOf(() => bitcoin.path(index, variant))).toBe('account_path_invalid')
    }
  })

  test.each([["m/84'/0'/0'", true], ["m/86'/1'/2147483647'", true], ["m/44'/0'/0'/1/2147483647", true], ['m', false], ["m/84'/0'", false], ["m/84'/2'/0'", false],
    ["m/84'/0'/0", false], ["m/84'/0'/2147483648'", false], ["m/84'/0'/0'/2/0", false], ["m/84'/0'/0'/0/0'", false], ["m/84'/0'/0'/0", false], ["m/84'/0'/00'", false],
    ["m/45'/0'/0'", false], ["m/84'/0'/0'/0/2147483648", false], [" m/84'/0'/0'", false]])('%s: accepted is %s', (path, accepted) => {
    expect(bitcoin.accepts(path)).toBe(accepted)
  })

  test('addresses of the BIPs themselves', () => {
    // BIP-49, BIP-84 and BIP-86 all use these words: abandon … about.
    const words = walletFrom(Buffer.from('5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4', 'hex'))
    expect(words.account("m/84'/0'/0'").address).toBe('bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu')
    expect(words.account("m/86'/0'/0'").address).toBe('bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr')
    expect(words.account("m/49'/1'/0'").address).toBe('2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2')
    expect(words.account("m/44'/0'/0'").address).toBe('1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA')
    expect(words.account("m/84'/0'/0'/0/0").address).toBe('bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu')
    expect(codeOf(() => bitcoin.address({ ...account, chainCode: null }))).toBe('account_path_invalid')
    expect(codeOf(() => bitcoin.address({ ...account, path: "m/44'/60'/0'" }))).toBe('account_path_invalid')
  })
})

describe('what a PSBT must be', () => {
  test('it is one, of a version that is known', () => {
    expect(refusal(new Uint8Array())).toBe('tx_malformed')
    expect(refusal(Buffer.from('0200000001', 'hex'))).toBe('tx_type_unknown')
    expect(refusal(Buffer.from('psbt\0'))).toBe('tx_malformed')
    expect(refusal(new Uint8Array(128 * 1024 + 1))).toBe('tx_too_large')
    for (const version of [1, 3]) expect(refusal(edited(fresh(), ({ global }) => ({ global: set(0xfb, Uint8Array.of(version, 0, 0, 0))(global) })))).toBe('tx_type_unknown')
    expect(refusal(edited(fresh(), ({ global }) => ({ global: set(0xfb, Uint8Array.of(0, 0, 0, 0))(global) })))).toBe('ok')
  })

  test.each([0, 2])('version %i: cut anywhere, or with bytes after it', (version) => {
    const bytes = version === 0 ? fresh() : asVersion2(fresh())
    expect(refusal(bytes)).toBe('ok')
    for (let length = 0; length < bytes.length; length++) expect(refusal(bytes.subarray(0, length))).toMatch(/^tx_(malformed|type_unknown)$/)
    expect(refusal(concat(bytes, Uint8Array.of(0)))).toBe('tx_trailing_bytes')
    expect(refusal(concat(bytes, bytes))).toBe('tx_trailing_bytes')
  })

  test('lengths in their shortest form, no key twice', () => {
    const bytes = fresh()
    const length = bytes[7] as number
    expect(bytes[5]).toBe(1)
    expect(refusal(concat(bytes.subarray(0, 7), Uint8Array.of(0xfd, length, 0), bytes.subarray(8)))).toBe('tx_not_canonical')
    expect(refusal(concat(bytes.subarray(0, 5), Uint8Array.of(0xfe, 1, 0, 0, 0), bytes.subarray(6)))).toBe('tx_not_canonical')
    expect(refusal(inInput(bytes, (map) => [...map, map[0] as PsbtMap[number]]))).toBe('tx_malformed')
  })

  test('unknown and proprietary entries are kept; known ones must be of their type', () => {
    const kept = inInput(fresh(), (map) => [...map, { key: Uint8Array.of(0xf0, 1), value: Uint8Array.of(2) }, { key: Uint8Array.of(0xfc, 1, 65, 0), value: Uint8Array.of(3) }])
    expect(refusal(kept)).toBe('ok')
    for (const [type, value] of [[0x01, 3], [0x03, 3], [0x17, 31], [0x18, 31]] as const) expect(refusal(inInput(fresh(), set(type, new Uint8Array(value))))).toBe('tx_malformed')
    expect(refusal(inInput(fresh(), set(0x0f, new Uint8Array(4))))).toBe('tx_malformed') // version 2's
    expect(refusal(edited(asVersion2(fresh()), ({ global }) => ({ global: without(0x02)(global) })))).toBe('tx_malformed')
  })

  test('it pays something with something, in a known version of transactions, nothing twice', () => {
    for (const version of [0, 4, 0x7fffffff]) expect(refusalOf({ ...usual, version })).toBe('tx_field_invalid')
    const none = edited(asVersion2(fresh()), ({ global }) => ({ global: set(0x05, Uint8Array.of(0))(global), outputs: [] }))
    expect(refusal(none)).toBe('tx_field_invalid')
    expect(refusal(edited(none, ({ global }) => ({ global: set(0x04, Uint8Array.of(0))(global), inputs: [] })))).toBe('tx_field_invalid')
    const twice = asVersion2(fresh({ inputs: [own, own], outputs: [pay] }))
    const ids = readMaps(twice).inputs[0]?.filter(({ key }) => key[0] === 0x0e || key[0] === 0x0f) ?? []
    expect(refusal(edited(twice, ({ inputs: [first, second] }) => ({ inputs: [first as PsbtMap, ids.reduce((map, { key, value }) => withEntry(map, key, value), second as PsbtMap)] })))).toBe('tx_field_invalid')
    expect(refusalOf({ inputs: Array.from({ length: MAX_OWN_INPUTS + 1 }, () => own), outputs: [pay] })).toBe('tx_too_large')
  })

  test('amounts', () => {
    const huge = 2_100_000_000_000_001n
    expect(refusalOf({ inputs: [{ ...own, amount: huge }], outputs: [pay] })).toBe('tx_overflow')
    expect(refusalOf({ inputs: [own], outputs: [{ ...pay, amount: huge }] })).toBe('tx_overflow')
    expect(refusalOf({ inputs: [own], outputs: [{ ...pay, amount: huge - 1n }, pay] })).toBe('tx_overflow')
    expect(refusalOf({ inputs: [{ ...proven, amount: huge - 1n }, proven], outputs: [pay] })).toBe('tx_overflow')
    const negative = edited(asVersion2(fresh()), ({ outputs: [first, ...others] }) => ({ outputs: [set(0x03, new Uint8Array(8).fill(0xff))(first as PsbtMap), ...others] }))
    expect(refusal(negative)).toBe('tx_overflow')
  })

  test('lock times of version 2 (BIP-370)', () => {
    const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
    const two = asVersion2(fresh({ inputs: [proven, { ...proven, sequence: 1 }], outputs: [{ ...pay, amount: 160_000n }, change] }))
    const locked = (first: readonly [number, number][], second: readonly [number, number][]): Uint8Array =>
      edited(two, ({ inputs }) => ({ inputs: [first, second].map((locks, i) => locks.reduce((map, [type, value]) => set(type, u32(value))(map), inputs[i] as PsbtMap)) }))
    const lockTime = (bytes: Uint8Array): string | undefined => read(bytes).summary.fields['lockTime']
    expect(lockTime(locked([[0x12, 100]], []))).toBe('100')
    expect(lockTime(locked([[0x12, 100]], [[0x12, 300]]))).toBe('300')
    expect(lockTime(locked([[0x12, 100], [0x11, 500_000_001]], [[0x11, 500_000_002]]))).toBe('500000002')
    expect(lockTime(locked([[0x12, 100], [0x11, 500_000_001]], [[0x12, 7], [0x11, 500_000_002]]))).toBe('100')
    expect(refusal(locked([[0x12, 100]], [[0x11, 500_000_001]]))).toBe('tx_field_invalid')
  })

  test('previous transactions', () => {
    const before = readMaps(fresh({ ...usual, inputs: [{ ...own, previous: true }] })).inputs[0]?.find(({ key }) => key[0] === 0)?.value as Uint8Array
    const legacyBytes = fresh({ ...usual, inputs: [legacy] })
    const signer = contextOf(wallet.account("m/44'/0'/0'"))
    expect(refusal(legacyBytes, signer)).toBe('ok')
    const amountAndScript = concat(new Uint8Array(new BigUint64Array([100_000n]).buffer), Uint8Array.of(25), scriptAt(wallet, 'p2pkh', legacy.path))
    // BIP-174: what a legacy input spends is believed to the previous transaction alone.
    expect(refusal(inInput(legacyBytes, (map) => set(0x01, amountAndScript)(without(0x00)(map))), signer)).toBe('tx_previous_missing')
    expect(refusal(inInput(legacyBytes, without(0x00)), signer)).toBe('tx_previous_missing')
    expect(refusal(inInput(legacyBytes, set(0x00, before)), signer)).toBe('tx_previous_missing')
    expect(refusal(inInput(fresh(), without(0x01)))).toBe('tx_previous_missing')
    expect(refusal(inInput(fresh(), set(0x00, before)))).toBe('ok')
    expect(refusal(inInput(fresh({ ...usual, inputs: [{ ...own, amount: 99_999n }] }), set(0x00, before)))).toBe('tx_previous_missing')
    const claimed = concat(new Uint8Array(new BigUint64Array([100_001n]).buffer), Uint8Array.of(22), scriptAt(wallet, 'p2wpkh', own.path))
    expect(refusal(inInput(inInput(fresh(), set(0x00, before)), set(0x01, claimed)))).toBe('tx_previous_missing')
  })
})

describe('whose inputs', () => {
  test('the network is the one of the account', () => {
    const tests = wallet.account("m/84'/1'/0'")
    for (const { id, coinType } of NETWORKS) expect(refusal(fresh(), contextOf(account), id)).toBe(coinType === 0 ? 'ok' : 'tx_chain_id_mismatch')
    expect(refusal(fresh(), contextOf(tests))).toBe('tx_chain_id_mismatch')
    const theirs = fresh({ inputs: [{ ...own, path: "m/84'/1'/0'/0/0" }], outputs: [pay] })
    expect(codeOf(() => read(fresh({ inputs: [{ ...own, path: "m/84'/1'/0'/0/0" }], outputs: [{ ...pay, amount: 99_000n }] }), contextOf(tests), REGTEST.id))).toBe('ok')
    expect(refusal(theirs, contextOf(tests), 'bip122:000000000933ea01ad0ee984209779ba')).toBe('chain_unknown')
  })

  test('no input of the account', () => {
    expect(refusalOf({ inputs: [{ ...own, wallet: stranger, path: 'm/1' }], outputs: [pay] })).toBe('tx_signer_mismatch')
    expect(refusalOf({ inputs: [{ ...own, path: "m/84'/0'/1'/0/0" }], outputs: [pay] })).toBe('tx_signer_mismatch')
    expect(refusal(fresh(), contextOf(wallet.account("m/84'/0'/0'/0/4")))).toBe('tx_signer_mismatch')
    expect(refusal(inInput(fresh(), without(0x06)))).toBe('tx_signer_mismatch')
  })

  test('a path that leads to another key, a key that is not the script’s', () => {
    const elsewhere = readMaps(fresh({ ...usual, inputs: [{ ...own, path: `${ACCOUNT}/0/6` }] })).inputs[0] as PsbtMap
    const origin = elsewhere.find(({ key }) => key[0] === 0x06) as PsbtMap[number]
    const ownOrigin = readMaps(fresh()).inputs[0]?.find(({ key }) => key[0] === 0x06) as PsbtMap[number]
    expect(refusal(inInput(fresh(), (map) => [...without(0x06)(map), { key: ownOrigin.key, value: origin.value }]))).toBe('tx_path_mismatch')
    expect(refusal(inInput(fresh(), (map) => [...without(0x06)(map), origin]))).toBe('tx_path_mismatch')
    // The account is of P2WPKH: the same key in another script is not where it looks for money.
    expect(refusalOf({ ...usual, inputs: [{ ...own, type: 'p2pkh' }] })).toBe('tx_path_mismatch')
    expect(refusalOf({ ...usual, inputs: [{ ...own, type: 'p2sh-p2wpkh' }] })).toBe('tx_path_mismatch')
  })

  test('scripts and keys that are not the input’s', () => {
    expect(refusal(inInput(fresh(), set(0x04, Uint8Array.of(0x51))))).toBe('tx_field_invalid')
    expect(refusal(inInput(fresh(), set(0x05, Uint8Array.of(0x51))))).toBe('tx_field_invalid')
    const taproot: InputSpec = { ...own, type: 'p2tr', path: "m/86'/0'/0'/0/0" }
    const signer = contextOf(wallet.account("m/86'/0'/0'"))
    expect(refusal(fresh({ ...usual, inputs: [taproot] }), signer)).toBe('ok')
    expect(refusal(inInput(fresh({ ...usual, inputs: [taproot] }), set(0x17, stranger.publicKey('m/1').subarray(1))), signer)).toBe('tx_field_invalid')
    expect(refusal(inInput(fresh({ ...usual, inputs: [taproot] }), set(0x18, new Uint8Array(32))), signer)).toBe('tx_path_mismatch')
    expect(refusal(fresh({ inputs: [taproot, { ...own, wallet: stranger, path: 'm/1' }], outputs: [pay] }), signer)).toBe('tx_fee_invalid')
    const missing = edited(fresh({ inputs: [taproot, { ...own, wallet: stranger, path: 'm/1' }], outputs: [{ ...pay, amount: 190_000n }] }), ({ inputs: [a, b] }) => ({ inputs: [a as PsbtMap, without(0x01)(b as PsbtMap)] }))
    expect(refusal(missing, signer)).toBe('tx_previous_missing')
  })

  test('signed already', () => {
    const signature = Buffer.from(`30440220${'11'.repeat(32)}0220${'22'.repeat(32)}01`, 'hex')
    const partial = (map: PsbtMap): PsbtMap => withEntry(map, concat(Uint8Array.of(2), wallet.publicKey(own.path)), signature)
    expect(refusal(inInput(fresh(), partial))).toBe('tx_already_signed')
    expect(refusal(inInput(fresh(), set(0x08, Uint8Array.of(1, 1, 1))))).toBe('tx_already_signed')
    const two = fresh({ inputs: [own, { ...own, wallet: stranger, path: 'm/1' }], outputs: [{ ...pay, amount: 190_000n }] })
    expect(refusal(inInput(two, set(0x13, new Uint8Array(64))))).toBe('tx_already_signed')
  })

  test('inputs of others with a path like ours: their master key tells', () => {
    const both: PsbtSpec = { inputs: [proven, { ...own, wallet: stranger }], outputs: [{ ...pay, amount: 195_000n }] }
    const plan = planOf(both)
    expect(plan.tasks).toHaveLength(1)
    expect(plan.summary.warnings).toEqual(['foreign_inputs', 'amounts_unproven'])
    expect(refusalOf({ inputs: [{ ...own, wallet: stranger }], outputs: [pay] })).toBe('tx_path_mismatch')
  })
})

describe('fees', () => {
  const paying = (amount: bigint, fee: bigint): string => refusalOf({ inputs: [{ ...own, amount }], outputs: [{ ...pay, amount: amount - fee }] })

  test('negative', () => {
    expect(paying(50_000n, 0n)).toBe('ok')
    expect(paying(50_000n, -1n)).toBe('tx_fee_invalid')
  })

  test('more than a quarter of what is spent, unless it is little', () => {
    expect(paying(100_500n, 100_000n)).toBe('ok')
    expect(paying(100_600n, 100_001n)).toBe('tx_fee_invalid')
    expect(paying(400_004n, 100_001n)).toBe('ok')
    expect(paying(400_003n, 100_001n)).toBe('tx_fee_invalid')
  })

  test('more than 2,000 satoshis a virtual byte', () => {
    const { virtualSize } = planOf({ inputs: [{ ...own, amount: 10n ** 9n }], outputs: [{ ...pay, amount: 10n ** 9n - 1000n }] }).summary.fields
    const most = 2000n * BigInt(virtualSize as string)
    expect(paying(10n ** 9n, most)).toBe('ok')
    expect(paying(10n ** 9n, most + 1n)).toBe('tx_fee_invalid')
  })

  test('unknown, where an input of others says nothing: at least what is known must not be too much', () => {
    const mixed = (amount: bigint): Uint8Array =>
      edited(fresh({ inputs: [{ ...proven, amount: 10n ** 9n }, { ...own, wallet: stranger, path: 'm/1' }], outputs: [{ ...pay, amount }] }), ({ inputs: [a, b] }) => ({ inputs: [a as PsbtMap, without(0x01)(b as PsbtMap)] }))
    const { summary } = read(mixed(10n ** 9n))
    expect(summary.fields['fee']).toBeUndefined()
    expect(summary.warnings).toContain('fee_unknown')
    expect(refusal(mixed(10n ** 8n))).toBe('tx_fee_invalid')
  })
})

describe('sighash types', () => {
  const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
  const typed = (type: number, input = own): Uint8Array => inInput(fresh({ ...usual, inputs: [input] }), set(0x03, u32(type)))
  const permitted = contextOf(account, { permissions: { anySighash: true } })

  test('DEFAULT and ALL; others if the wallet permits; never what is no type', () => {
    expect(refusal(typed(1))).toBe('ok')
    for (const type of [2, 3, 0x81, 0x82, 0x83]) {
      expect(refusal(typed(type))).toBe('tx_sighash_not_allowed')
      expect(refusal(typed(type), permitted)).toBe('ok')
    }
    for (const type of [0, 4, 0x80, 0x84, 0x41, 256]) expect(refusal(typed(type), permitted)).toBe('tx_sighash_not_allowed')
    expect(read(typed(0x83), permitted).summary.warnings).toEqual(['sighash_single_anyonecanpay'])
  })

  test('taproot has DEFAULT', () => {
    const taproot = wallet.account("m/86'/0'/0'")
    const input: InputSpec = { ...own, type: 'p2tr', path: "m/86'/0'/0'/0/0" }
    for (const type of [0, 1]) expect(refusal(typed(type, input), contextOf(taproot))).toBe('ok')
    for (const type of [2, 0x80, 0x81]) expect(refusal(typed(type, input), contextOf(taproot))).toBe('tx_sighash_not_allowed')
    expect(refusal(typed(0x80, input), contextOf(taproot, { permissions: { anySighash: true } }))).toBe('tx_sighash_not_allowed')
  })

  test('SINGLE without its output would sign nothing', () => {
    const inputs = [proven, { ...proven, sighashType: 3 }]
    expect(refusalOf({ inputs, outputs: [{ ...pay, amount: 199_000n }] }, { anySighash: true })).toBe('tx_sighash_not_allowed')
    expect(refusalOf({ inputs, outputs: [pay, { ...change, amount: 139_000n }] }, { anySighash: true })).toBe('ok')
  })
})

describe('the summary', () => {
  test('payments, change, data, everything else that is signed', () => {
    const { summary } = planOf({ lockTime: 840_000, inputs: [{ ...own, sequence: 0xfffffffd, previous: true }], outputs: [pay, change, { script: Buffer.from('6a0468657921', 'hex'), amount: 0n }] })
    expect(summary).toEqual({
      chain: MAINNET.id,
      kind: 'psbt',
      actions: [
        { action: 'transfer', fields: { to: bitcoin.address({ path: "m/84'/0'/0'/0/0", publicKey: stranger.publicKey('m/0'), chainCode: null }), amount: '60000' } },
        { action: 'data', fields: { data: '0x6a0468657921' } },
      ],
      fields: {
        network: 'mainnet', fee: '1000', feeRate: '6.41', virtualSize: '156', inputsTotal: '100000', change: '39000',
        changeAddresses: bitcoin.address({ path: "m/84'/0'/0'/0/0", publicKey: wallet.publicKey(`${ACCOUNT}/1/2`), chainCode: null }),
        inputs: '1', inputsSigned: '1', inputsSignedTotal: '100000', version: '2', lockTime: '840000', replaceable: 'true',
      },
      warnings: ['locktime'],
    })
  })

  test('change is what our own keys prove, and nothing else', () => {
    const claim = { type: 'p2wpkh', path: `${ACCOUNT}/1/2` } as const
    const shown = (output: OutputSpec): readonly unknown[] => {
      const { summary } = read(fresh({ inputs: [own], outputs: [pay, { ...output, amount: 39_000n }] }), contextOf(account, { accounts: [account, wallet.account("m/84'/0'/1'"), wallet.account('m'), wallet.account("m/84'/1'/0'")] }))
      return [summary.fields['change'], summary.actions.length, summary.actions[1]?.fields['owner']]
    }
    expect(shown(change)).toEqual(['39000', 1, undefined])
    // Another's script, with our key's name on it.
    expect(shown({ ...change, script: payee, key: claim })).toEqual(['0', 2, undefined])
    // Another's key, with our path on it.
    expect(shown({ ...change, script: scriptAt(stranger, 'p2wpkh', claim.path), key: { ...claim, wallet: stranger } })).toEqual(['0', 2, undefined])
    // Our script, and no word of whose it is.
    expect(shown({ script: change.script, amount: 1n })).toEqual(['0', 2, undefined])
    expect(shown({ ...change, script: scriptAt(wallet, 'p2wpkh', `${ACCOUNT}/0/9`), key: { ...claim, path: `${ACCOUNT}/0/9` } })).toEqual(['0', 2, ACCOUNT])
    expect(shown({ ...change, script: scriptAt(wallet, 'p2wpkh', "m/84'/0'/1'/1/9"), key: { ...claim, path: "m/84'/0'/1'/1/9" } })).toEqual(['0', 2, "m/84'/0'/1'"])
    expect(shown({ ...change, script: scriptAt(wallet, 'p2tr', 'm') })).toEqual(['0', 2, 'm'])
    const far = { ...claim, path: `${ACCOUNT}/1/1000000` }
    expect(shown({ ...change, script: scriptAt(wallet, 'p2wpkh', far.path), key: far })).toEqual(['0', 2, undefined])
    const tests = { ...claim, path: "m/84'/1'/0'/1/0" }
    expect(shown({ ...change, script: scriptAt(wallet, 'p2wpkh', tests.path), key: tests })).toEqual(['0', 2, undefined])
  })

  test('what should be said aloud', () => {
    const warnings = (spec: Partial<PsbtSpec>): readonly string[] => planOf({ ...usual, ...spec }).summary.warnings
    expect(warnings({})).toEqual([])
    expect(warnings({ lockTime: 5 })).toEqual([])
    expect(warnings({ inputs: [{ ...own, sequence: 10 }] })).toEqual(['relative_locktime'])
    expect(warnings({ version: 1, inputs: [{ ...own, sequence: 10 }] })).toEqual([])
    expect(warnings({ inputs: [proven, proven], outputs: [{ ...pay, amount: 199_000n }] })).toEqual([])
    expect(warnings({ outputs: [pay, change, { script: Uint8Array.of(0x6a, 1, 1), amount: 10n }] })).toEqual(['data_burns_amount'])
    expect(warnings({ outputs: [pay, change, { script: Uint8Array.of(0x51), amount: 10n }] })).toEqual(['unknown_script'])
  })

  test('regtest writes its addresses its own way', () => {
    const path = "m/84'/1'/0'"
    const { summary } = read(fresh({ inputs: [{ ...own, path: `${path}/0/0` }], outputs: [{ ...pay, amount: 99_000n }] }), contextOf(wallet.account(path)), REGTEST.id)
    expect(summary.actions[0]?.fields['to']).toMatch(/^bcrt1q/)
    expect(read(fresh({ inputs: [{ ...own, path: `${path}/0/0` }], outputs: [{ ...pay, amount: 99_000n }] }), contextOf(wallet.account(path)), TESTNET4.id).summary.actions[0]?.fields['to']).toMatch(/^tb1q/)
  })
})

describe('assembling', () => {
  test('no signature but the account’s, over what was read', () => {
    const plan = planOf(usual)
    const [signature] = wallet.sign(plan.tasks)
    const good = signature as NonNullable<typeof signature>
    const s = BigInt(`0x${toHex(good.compact.subarray(32))}`)
    const highS = (0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n - s).toString(16).padStart(64, '0')
    const other = wallet.sign(planOf({ ...usual, lockTime: 1 }).tasks)
    expect(() => plan.assemble([])).toThrow()
    expect(() => plan.assemble([good, good])).toThrow()
    expect(() => plan.assemble(other)).toThrow('the signature is not from the account')
    expect(() => plan.assemble([{ ...good, compact: concat(good.compact.subarray(0, 32), Buffer.from(highS, 'hex')) }])).toThrow()
    expect(() => plan.assemble([{ ...good, compact: good.compact.subarray(0, 63) }])).toThrow()
    expect(plan.assemble([good]).signed.length).toBeGreaterThan(200)
  })

  test.each([0, 2])('version %i: with inputs of others the PSBT comes back, and they finish it', (version) => {
    const theirs: InputSpec = { ...proven, wallet: stranger, path: 'm/1' }
    const built = build(wallet, { inputs: [proven, theirs], outputs: [{ ...pay, amount: 190_000n }] })
    const unknown = { key: Uint8Array.of(0xf0, 1), value: Uint8Array.of(2) }
    const bytes = inInput(version === 0 ? built.bytes : asVersion2(built.bytes), (map) => [...map, unknown])
    const first = read(bytes).assemble(wallet.sign(read(bytes).tasks)).signed
    expect(readMaps(first).inputs[0]).toEqual([...(readMaps(bytes).inputs[0] as PsbtMap), { key: concat(Uint8Array.of(2), wallet.publicKey(own.path)), value: expect.any(Uint8Array) as Uint8Array }])
    expect(readMaps(first).inputs[1]).toEqual(readMaps(bytes).inputs[1])
    // The other signs alone, and what each says of inputs that are final is taken over.
    const single = contextOf(stranger.account('m'), {})
    const second = read(first, { ...single, account: { ...single.account, path: 'm', publicKey: stranger.publicKey('m/1') } })
    const half = second.assemble(stranger.sign(second.tasks.map((task) => ({ ...task, path: 'm/1' })))).signed
    expect(readMaps(half).inputs.map((map) => map.filter(({ key }) => key[0] === 2).length)).toEqual([1, 1])
    if (version === 0) expect(scriptErrors(Psbt.fromBuffer(half).finalizeAllInputs().extractTransaction(true).toBuffer(), built.spent)).toEqual([])
  })

  test('inputs of others that are final are taken over, and the transaction is there', () => {
    const theirs: InputSpec = { ...proven, wallet: stranger, path: 'm/1' }
    const { psbt, bytes, spent } = build(wallet, { inputs: [proven, theirs], outputs: [{ ...pay, amount: 190_000n }] })
    const stub = stranger.account('m')
    const plan = read(bytes, contextOf({ ...stub, publicKey: stranger.publicKey('m/1') }))
    const half = Psbt.fromBuffer(plan.assemble(stranger.sign(plan.tasks.map((task) => ({ ...task, path: 'm/1' })))).signed).finalizeInput(1)
    const last = read(new Uint8Array(half.toBuffer()))
    const { signed, hash } = last.assemble(wallet.sign(last.tasks))
    expect(scriptErrors(signed, spent)).toEqual([])
    expect(toHex(hash)).toBe(Transaction.fromBuffer(signed).getId())
    expect(psbt.inputCount).toBe(2)
  })

  test('version 2: what may still be changed is taken back (BIP-370)', () => {
    const flags = (sighashType: number, before: number): number | undefined => {
      const bytes = asVersion2(fresh({ inputs: [{ ...proven, sighashType }, { ...own, wallet: stranger, path: 'm/1' }], outputs: [{ ...pay, amount: 190_000n }] }))
      const plan = read(edited(bytes, ({ global }) => ({ global: set(0x06, Uint8Array.of(before))(global) })), contextOf(account, { permissions: { anySighash: true } }))
      return readMaps(plan.assemble(wallet.sign(plan.tasks)).signed).global.find(({ key }) => key[0] === 0x06)?.value[0]
    }
    expect([flags(1, 3), flags(0x81, 3), flags(2, 3), flags(0x82, 3), flags(3, 3), flags(0x83, 3)]).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('a taproot key with a script tree', () => {
    const path = "m/86'/0'/0'/0/0"
    const root = new Uint8Array(32).fill(9)
    const script = scriptOf('p2tr', wallet.publicKey(path), root)
    const bytes = inInput(fresh({ inputs: [{ ...own, type: 'p2tr', path }], outputs: [{ ...pay, amount: 99_000n }] }), (map) =>
      set(0x18, root)(set(0x01, concat(new Uint8Array(new BigUint64Array([100_000n]).buffer), Uint8Array.of(34), script))(map)),
    )
    const plan = read(bytes, contextOf(wallet.account("m/86'/0'/0'")))
    expect(plan.summary.warnings).toEqual(['script_tree'])
    expect(scriptErrors(plan.assemble(wallet.sign(plan.tasks)).signed, [{ amount: 100_000n, script }])).toEqual([])
  })
})
