/** Bitcoin: what a PSBT may ask for before anybody has shown a PIN, and what two requests together must not get signed. */
import { RawPSBTV0 } from '@scure/btc-signer/psbt.js'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { toSpendTxid } from '../../lib/chains/bitcoin/bip322.ts'
import { commonHashes } from '../../lib/chains/bitcoin/common-hashes.ts'
import { keysOf } from '../../lib/chains/bitcoin/keys.ts'
import { MAINNET, TESTNET4 } from '../../lib/chains/bitcoin/networks.ts'
import { oneKeyScripts } from '../../lib/chains/bitcoin/one-key-scripts.ts'
import { MAX_NAMED_OUTPUTS } from '../../lib/chains/bitcoin/own-outputs.ts'
import { MAX_SCRIPT_TREES } from '../../lib/chains/bitcoin/own-inputs.ts'
import { MAX_PARTS } from '../../lib/chains/bitcoin/psbt-plan.ts'
import { scriptOf } from '../../lib/chains/bitcoin/scripts.ts'
import { segwitDigest, taprootDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { txidOf } from '../../lib/chains/bitcoin/transaction.ts'
import type { Plan, SigningContext } from '../../lib/chains/chain.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import type { Payload } from '../../lib/protocol/operations.ts'
import { codeOf } from '../support/core-codes.ts'
import { contextOf, walletFrom } from '../support/bitcoin-wallet.ts'

const wallet = walletFrom(new Uint8Array(32).fill(7))
const NONE = new Uint8Array()
const H = 0x80000000
const one = wallet.account("m/84'/0'/0'/0/0")
const ownScript = scriptOf('p2wpkh', one.publicKey)
const ANYONES = Uint8Array.of(0x51)

interface Input { readonly script: Uint8Array; readonly amount?: bigint; readonly lie?: bigint; readonly txid?: Uint8Array; readonly [field: string]: unknown }
interface Output { readonly script: Uint8Array; readonly amount?: bigint; readonly [field: string]: unknown }

/** Inputs with the output that they spend, or, where `lie` says nothing, with the whole previous transaction. */
function psbt(inputs: readonly Input[], outputs: readonly Output[]): Uint8Array {
  const parts = inputs.map(({ script, amount = 100_000n, lie, txid, ...fields }, index) => {
    const previous = { version: 2, inputs: [{ txid: new Uint8Array(32).fill(1), index, sequence: 0, finalScriptSig: NONE }], outputs: [{ amount, script }], lockTime: 0 }
    const input = { txid: txid ?? txidOf(previous), index: 0, sequence: 0xffffffff, finalScriptSig: NONE }
    return { input, fields: { ...fields, ...(lie === undefined ? { nonWitnessUtxo: { ...previous, segwitFlag: false } } : { witnessUtxo: { amount: lie, script } }) } }
  })
  const unsignedTx = { version: 2, inputs: parts.map(({ input }) => input), outputs: outputs.map(({ script, amount = 1n }) => ({ script, amount })), lockTime: 0 }
  const rest = outputs.map(({ script: _script, amount: _amount, ...fields }) => fields)
  return RawPSBTV0.encode({ global: { unsignedTx }, inputs: parts.map(({ fields }) => fields), outputs: rest } as never)
}

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const read = (data: Uint8Array, context: SigningContext = contextOf(one), chain = MAINNET.id, kind: Payload['kind'] = 'transaction'): Plan => bitcoin.read({ chain, kind, data, context: null }).plan(context)
const refusal = (...args: Parameters<typeof read>): string => codeOf(() => read(...args))

describe('counts', () => {
  const told = { script: ownScript, amount: 100_000n, lie: 100_000n }

  test('inputs and outputs', () => {
    expect(refusal(psbt([told], many(MAX_PARTS, () => ({ script: ANYONES, amount: 50n }))))).toBe('ok')
    expect(refusal(psbt([told], many(MAX_PARTS + 1, () => ({ script: ANYONES, amount: 50n }))))).toBe('tx_too_large')
    const bare = many(MAX_PARTS + 1, (index) => ({ txid: new Uint8Array(32).fill(1), index, sequence: 0, finalScriptSig: NONE }))
    const inputs = (count: number): Uint8Array =>
      RawPSBTV0.encode({ global: { unsignedTx: { version: 2, inputs: bare.slice(0, count), outputs: [{ amount: 1n, script: ANYONES }], lockTime: 0 } }, inputs: bare.slice(0, count).map(() => ({})), outputs: [{}] })
    expect(refusal(inputs(MAX_PARTS))).toBe('tx_signer_mismatch')
    expect(refusal(inputs(MAX_PARTS + 1))).toBe('tx_too_large')
  })

  test('outputs that name keys of the wallet', () => {
    const whole = wallet.account("m/84'/0'/0'")
    const name = (index: number): object => ({ bip32Derivation: [[one.publicKey, { fingerprint: 1, path: [84 + H, H, H, 0, index] }]] })
    const outputs = (count: number): Output[] => many(count, () => ({ script: ownScript, amount: 500n, ...name(0) }))
    expect(refusal(psbt([{ ...told, ...name(0) }], outputs(MAX_NAMED_OUTPUTS)), contextOf(whole))).toBe('ok')
    expect(refusal(psbt([{ ...told, ...name(0) }], outputs(MAX_NAMED_OUTPUTS + 1)), contextOf(whole))).toBe('tx_too_large')
  })

  test('inputs with a script tree, for an account of one key', () => {
    const trees = (count: number): Uint8Array => psbt(many(count, () => ({ script: ANYONES, lie: 1n, tapMerkleRoot: new Uint8Array(32) })), [{ script: ANYONES }])
    expect(refusal(trees(MAX_SCRIPT_TREES))).toBe('tx_signer_mismatch')
    expect(refusal(trees(MAX_SCRIPT_TREES + 1))).toBe('tx_too_large')
  })

  test('bytes that are hashed for inputs of before segwit', () => {
    const legacy = wallet.account("m/44'/0'/0'/0/0")
    const script = scriptOf('p2pkh', legacy.publicKey)
    const data = (length: number): Uint8Array => psbt(many(100, () => ({ script })), many(10, () => ({ script: new Uint8Array(length).fill(0x51), amount: 990_000n })))
    expect(refusal(data(4_000), contextOf(legacy))).toBe('ok')
    expect(refusal(data(5_000), contextOf(legacy))).toBe('tx_too_large')
    const parts = (count: number): Uint8Array => psbt(many(100, () => ({ script })), many(count, () => ({ script: NONE, amount: 11_000n })))
    expect(refusal(parts(900), contextOf(legacy))).toBe('ok')
    expect(refusal(parts(901), contextOf(legacy))).toBe('tx_too_large')
  })
})

describe('work is done once', () => {
  test('scripts of accounts of one key, by what they pay', () => {
    const key = keysOf(wallet.account('m'))
    const only = key.only as NonNullable<typeof key.only>
    let asked = 0
    const counted = { ...key, only: { path: 'm', get publicKey() { asked += 1; return only.publicKey } } }
    const find = oneKeyScripts([counted, key])
    for (const type of key.parsed.scripts) {
      for (const _ of [1, 2, 3]) expect(find(scriptOf(type, only.publicKey))).toEqual({ account: counted, type })
    }
    for (const index of many(100, (i) => i)) expect(find(Uint8Array.of(0x51, 0x20, ...new Uint8Array(32).fill(index)))).toBeUndefined()
    expect(find(ANYONES)).toBeUndefined()
    expect(asked).toBeLessThanOrEqual(4 + 4 * 3) // and `toEqual` reads it too
  })

  test('hashes that digests share, and no others', () => {
    const tx = { version: 2, inputs: many(2, (index) => ({ txid: new Uint8Array(32).fill(3), index, sequence: 5 })), outputs: many(2, (i) => ({ amount: BigInt(i), script: ownScript })), lockTime: 9 }
    const spent = many(2, () => ({ amount: 7n, script: ownScript }))
    const common = commonHashes(tx, spent)
    expect(common.outputs()).toBe(common.outputs())
    for (const index of [0, 1]) {
      for (const type of [1, 2, 3, 0x81, 0x82, 0x83]) {
        expect(toHex(segwitDigest(tx, index, ANYONES, 7n, type, common))).toBe(toHex(segwitDigest(tx, index, ANYONES, 7n, type)))
        expect(toHex(taprootDigest(tx, index, spent, type, common))).toBe(toHex(taprootDigest(tx, index, spent, type)))
      }
    }
  })
})

describe('two requests with one lie each', () => {
  const to: Output[] = [{ script: ANYONES, amount: 1_099_900_000n }]
  const [truth, lie] = [{ script: ownScript, amount: 10n ** 9n }, { script: ownScript, amount: 10n ** 9n, lie: 10n ** 8n }]

  test('an own input next to others comes with its previous transaction', () => {
    expect(refusal(psbt([truth, lie], to))).toBe('tx_previous_missing')
    expect(refusal(psbt([lie, truth], to))).toBe('tx_previous_missing')
    expect(refusal(psbt([truth, { script: ANYONES, amount: 10n ** 8n, lie: 10n ** 8n }], to))).toBe('ok')
    expect(refusal(psbt([lie, { script: ANYONES, amount: 10n ** 9n }], to))).toBe('tx_previous_missing')
    expect(refusal(psbt([lie], [{ script: ANYONES, amount: 10n ** 8n }]))).toBe('ok')
  })

  test('taproot signatures commit to every amount; an input that is only said to be taproot does not help others', () => {
    const taproot = wallet.account("m/86'/0'/0'/0/0")
    const script = scriptOf('p2tr', taproot.publicKey)
    const plan = read(psbt([{ script, lie: 10n ** 9n }, { script, lie: 10n ** 8n }], to), contextOf(taproot))
    expect([plan.tasks.length, plan.summary.warnings]).toEqual([2, ['unknown_script']])
    const bare = wallet.account('m')
    const mixed = [{ script: scriptOf('p2wpkh', bare.publicKey), amount: 10n ** 9n }, { script: scriptOf('p2tr', bare.publicKey), amount: 10n ** 9n, lie: 10n ** 8n }]
    expect(refusal(psbt(mixed, to), contextOf(bare))).toBe('tx_previous_missing')
  })
})

describe('a key that no path binds to a network', () => {
  const bare = wallet.account('m')
  const data = psbt([{ script: scriptOf('p2wpkh', bare.publicKey), lie: 100_000n }], [{ script: ANYONES, amount: 99_000n }])
  const permitted = contextOf(bare, { permissions: { withoutChainId: true, rawHash: true } })

  test.each([['transaction', data], ['message', utf8('hello')], ['hash', new Uint8Array(32)]] as const)('%s: for test networks with permission alone, and said aloud', (kind, bytes) => {
    expect(refusal(bytes, contextOf(bare, { permissions: { rawHash: true } }), TESTNET4.id, kind)).toBe('payload_not_permitted')
    expect(read(bytes, permitted, TESTNET4.id, kind).summary.warnings).toContain('any_chain')
    expect(read(bytes, permitted, MAINNET.id, kind).summary.warnings).not.toContain('any_chain')
    expect(refusal(bytes, contextOf(bare, { permissions: { rawHash: true } }), MAINNET.id, kind)).toBe('ok')
  })
})

test('a full BIP-322 signature is no transaction', () => {
  const signing = (output: Output, amount: bigint): string => refusal(psbt([{ script: ownScript, lie: amount, txid: toSpendTxid(utf8('all is yours'), ownScript) }], [output]))
  expect(signing({ script: Uint8Array.of(0x6a), amount: 0n }, 0n)).toBe('tx_field_invalid')
  expect(signing({ script: Uint8Array.of(0x6a), amount: 0n }, 1n)).toBe('ok')
  expect(signing({ script: Uint8Array.of(0x6a, 1, 1), amount: 0n }, 0n)).toBe('ok')
})

test('what a message hides is the same list in every engine', () => {
  const shown = (text: string): boolean => read(utf8(text), contextOf(one), MAINNET.id, 'message').summary.fields['message'] === text
  for (const hidden of ['a\u2028b', 'a\u3164b', 'a\u2800b', 'a\u{e0100}b', 'a\u202eb', 'a\rb', '\ue000']) expect([hidden, shown(hidden)]).toEqual([hidden, false])
  // Of Unicode 16: not assigned, as older engines see it.
  for (const text of ['\u{1fae9}', 'a\r\nb', 'é']) expect([text, shown(text)]).toEqual([text, true])
})
