/** Bitcoin messages (BIP-322, `signmessage`) and bare hashes. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import * as ecc from '@bitcoinerlab/secp256k1'
import { crypto, payments } from 'bitcoinjs-lib'
import { bitcoin } from '../../lib/chains/bitcoin/bitcoin.ts'
import { messageHash } from '../../lib/chains/bitcoin/bip322.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import type { Plan, SigningContext } from '../../lib/chains/chain.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import type { PayloadKind } from '../../lib/protocol/operations.ts'
import { codeOf } from '../support/core-codes.ts'
import { contextOf, walletFrom } from '../support/bitcoin-wallet.ts'

const wallet = walletFrom(new Uint8Array(32).fill(7))
const native = contextOf(wallet.account("m/84'/0'/0'"))
const HELLO = utf8('Hello, Bitcoin')

const read = (kind: PayloadKind, data: Uint8Array, context: CborValue, signing: SigningContext = native, chain = MAINNET.id): Plan => bitcoin.read({ chain, kind, data, context }).plan(signing)
const refusal = (...args: Parameters<typeof read>): string => codeOf(() => read(...args))
const signed = (plan: Plan): Uint8Array => plan.assemble(wallet.sign(plan.tasks)).signed

/** As others verify `signmessage`: the address of the key that comes out of the signature. */
function verifies(message: string, address: string, signed: Uint8Array): boolean {
  const digest = crypto.hash256(Buffer.concat([Buffer.from('\x18Bitcoin Signed Message:\n'), Buffer.from([message.length]), Buffer.from(message)]))
  const key = ecc.recover(digest, signed.subarray(1), (((signed[0] as number) - 27) & 3) as 0 | 1 | 2 | 3, true)
  return key !== null && payments.p2pkh({ pubkey: key }).address === address
}

test('P2WPKH, P2SH-P2WPKH and P2TR: the witness of a simple signature, at the address that is asked for', () => {
  for (const [path, items] of [["m/84'/0'/0'", 2], ["m/49'/0'/0'", 2], ["m/86'/0'/0'", 1]] as const) {
    const account = wallet.account(path)
    const plan = read('message', HELLO, null, contextOf(account))
    expect(plan.summary).toEqual({ chain: MAINNET.id, kind: 'bip322', actions: [], fields: { network: 'mainnet', address: account.address, message: 'Hello, Bitcoin' }, warnings: [] })
    expect(plan.tasks.map((task) => task.path)).toEqual([`${path}/0/0`])
    expect(signed(plan)[0]).toBe(items)
    expect(toHex(plan.assemble(wallet.sign(plan.tasks)).hash)).toBe(toHex(messageHash(HELLO)))
    const other = read('message', HELLO, { change: 1, index: 7 }, contextOf(account))
    expect(other.tasks.map((task) => task.path)).toEqual([`${path}/1/7`])
    expect(other.summary.fields['address']).toBe(wallet.account(`${path}/1/7`).address)
  }
})

test('P2PKH: as signmessage signs it', () => {
  const account = wallet.account("m/44'/0'/0'")
  const plan = read('message', HELLO, null, contextOf(account))
  expect(plan.summary.kind).toBe('signmessage')
  const bytes = signed(plan)
  expect(bytes).toHaveLength(65)
  expect([31, 32]).toContain(bytes[0])
  expect(verifies('Hello, Bitcoin', account.address, bytes)).toBe(true)
  expect(verifies('Hello, bitcoin', account.address, bytes)).toBe(false)
  const [signature] = wallet.sign(plan.tasks)
  expect(() => plan.assemble([{ compact: signature?.compact as Uint8Array, recovery: signature?.recovery === 0 ? 1 : 0 }])).toThrow('the signature is not from the account')
  expect(() => plan.assemble([{ compact: signature?.compact as Uint8Array, recovery: null }])).toThrow()
})

test('what is no text is shown as bytes', () => {
  for (const bytes of [Uint8Array.of(0xff), Uint8Array.of(0x41, 0), utf8('a\u202eb'), utf8('\u200b')]) {
    const { summary } = read('message', bytes, null)
    expect([summary.fields['data'], summary.fields['message'], summary.warnings]).toEqual([`0x${toHex(bytes)}`, undefined, ['message_not_text']])
  }
  for (const text of ['', 'línea\nزوج\t🙂']) expect(read('message', utf8(text), null).summary.fields['message']).toBe(text)
})

test('which address signs is a map of two numbers, or nothing', () => {
  for (const context of [0, 'x', {}, { change: 0 }, { change: 2, index: 0 }, { change: 0, index: -1 }, { change: 0, index: 2 ** 31 }, { change: 0, index: 0, more: 1 }, [0, 0]]) {
    expect(refusal('message', HELLO, context)).toBe('message_malformed')
    expect(refusal('hash', new Uint8Array(32), context)).toBe('message_malformed')
    expect(refusal('transaction', HELLO, context)).toBe('tx_malformed')
  }
  expect(refusal('message', HELLO, { change: 0, index: 0 }, contextOf(wallet.account("m/84'/0'/0'/0/0")))).toBe('message_malformed')
  expect(refusal('message', HELLO, null, contextOf(wallet.account("m/84'/0'/0'/0/0")))).toBe('ok')
  expect(refusal('message', new Uint8Array(128 * 1024 + 1), null)).toBe('message_malformed')
})

test('no other network, no other kind', () => {
  expect(refusal('message', HELLO, null, contextOf(wallet.account("m/84'/1'/0'")))).toBe('tx_chain_id_mismatch')
  expect(refusal('message', HELLO, null, native, 'bip122:12a765e31ffd4059bada1e25190f6e98')).toBe('chain_unknown')
  for (const kind of ['typedData', 'authorization', 'userOperation', 'feePayer'] as const) expect(refusal(kind, HELLO, null)).toBe('payload_kind_unknown')
})

test('a bare hash where it is permitted', () => {
  const hash = new Uint8Array(32).fill(3)
  const permitted = contextOf(wallet.account("m/84'/0'/0'"), { permissions: { rawHash: true } })
  expect(refusal('hash', hash, null)).toBe('payload_not_permitted')
  for (const length of [0, 31, 33]) expect(refusal('hash', new Uint8Array(length), null, permitted)).toBe('message_malformed')
  const plan = read('hash', hash, null, permitted)
  expect(plan.summary.warnings).toEqual(['raw_hash'])
  expect(secp256k1.verify(signed(plan), hash, wallet.publicKey("m/84'/0'/0'/0/0"), { prehash: false })).toBe(true)
})
