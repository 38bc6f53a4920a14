/** `npm run vectors` on Solana: shapes that files kept elsewhere may have, each with a twin that is wrong. */
import { base58, base64 } from '@scure/base'
import { SystemProgram, Transaction, TransactionMessage, VersionedTransaction, AddressLookupTableAccount } from '@solana/web3.js'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { createReport } from '../../scripts/vectors/report.ts'
import { runSol } from '../../scripts/vectors/sol.ts'
import { address, keypair, signFor } from '../support/solana.ts'

async function run(...vectors: object[]): Promise<{ passed: number; failed: number; skipped: number; lines: string[] }> {
  const lines: string[] = []
  const report = createReport((line) => lines.push(line))
  await runSol({ name: 'sol', files: ['sol/a.json'], read: () => utf8(JSON.stringify({ meta: {}, vectors })) }, report)
  return { ...report.counts(), lines }
}
const passes = async (vector: object): Promise<void> => expect(await run(vector)).toMatchObject({ passed: 1, failed: 0, skipped: 0 })
const fails = async (vector: object): Promise<void> => expect(await run(vector)).toMatchObject({ passed: 0, failed: 1 })

const me = keypair(1)
const seed = me.secretKey.slice(0, 32)
const BLOCKHASH = address(9).toBase58()
const transfer = SystemProgram.transfer({ fromPubkey: me.publicKey, toPubkey: address(2), lamports: 49 })
const unsigned = new Uint8Array(new Transaction({ feePayer: me.publicKey, recentBlockhash: BLOCKHASH }).add(transfer).serialize({ requireAllSignatures: false, verifySignatures: false }))
const { signed } = signFor(me, unsigned)
const wrong = Uint8Array.from(signed).fill(7, 1, 2)
const message = unsigned.slice(65)

const table = new AddressLookupTableAccount({ key: address(3), state: { addresses: [address(2)], deactivationSlot: 0n, lastExtendedSlot: 0, lastExtendedSlotStartIndex: 0 } })
const v0 = new VersionedTransaction(new TransactionMessage({ payerKey: me.publicKey, recentBlockhash: BLOCKHASH, instructions: [transfer] }).compileToV0Message([table]))
v0.sign([me])

test.each([['hex', toHex], ['0x', (bytes: Uint8Array) => `0x${toHex(bytes)}`], ['base64', (bytes: Uint8Array) => base64.encode(bytes)], ['base58', (bytes: Uint8Array) => base58.encode(bytes)], ['numbers', (bytes: Uint8Array) => [...bytes]]] as const)('transactions in %s', async (_name, as) => {
  await passes({ name: 'signed', transaction: as(signed) })
  await fails({ name: 'signed', transaction: as(wrong) })
  await passes({ name: 'key', wire: as(signed), secretKey: as(me.secretKey), recentBlockhash: BLOCKHASH, version: 'legacy', message: as(message) })
  await fails({ name: 'blockhash', wire: as(signed), recentBlockhash: address(1).toBase58() })
  await fails({ name: 'version', wire: as(signed), version: 0 })
  await fails({ name: 'message', wire: as(signed), message: as(Uint8Array.from(message).fill(9, 100, 101)) })
  await passes({ name: 'bare', message: as(message), seed: as(seed) })
  await passes({ name: 'v0', serialized: as(v0.serialize()), signers: [as(me.secretKey)], version: 0 })
  await passes({ name: 'invalid', transaction: as(wrong), valid: false })
  await passes({ name: 'cut', transaction: as(signed.slice(0, -1)), valid: false })
  await fails({ name: 'not invalid', transaction: as(signed), valid: false })
})

test('another key than the one that signed', async () => {
  const other = keypair(2)
  const foreign = Uint8Array.from(signed)
  foreign.set(signFor(other, utf8('hi'), null, 'message').signed, 1)
  await fails({ name: 'foreign', transaction: toHex(foreign), seed: toHex(seed) })
})

test('an instruction that its program would not take', async () => {
  const odd = new Uint8Array(new Transaction({ feePayer: me.publicKey, recentBlockhash: BLOCKHASH }).add({ programId: transfer.programId, keys: transfer.keys, data: Buffer.of(2, 0, 0) }).serialize({ requireAllSignatures: false, verifySignatures: false }))
  expect(await run({ transaction: toHex(odd), seed: toHex(seed) })).toMatchObject({ passed: 0, failed: 0, skipped: 1 })
  await passes({ transaction: toHex(odd) })
})

describe('off-chain messages', () => {
  const data = Uint8Array.from([0xff, ...utf8('solana offchain'), 0, 0, 12, 0, ...utf8('Test Message')])
  const cut = Array.from(data.slice(0, -1))
  const { signed: signature } = signFor(me, data, null, 'message')

  test('the SDK’s, with text, key and signature', async () => {
    await passes({ serialized: [...data], text: 'Test Message', seed: toHex(seed), signature: base58.encode(signature), publicKey: me.publicKey.toBase58() })
    await fails({ serialized: [...data], text: 'Test Massage' })
    await fails({ serialized: [...data], publicKey: keypair(2).publicKey.toBase58(), signature: toHex(signature) })
    await fails({ serialized: [...data], seed: toHex(keypair(2).secretKey.slice(0, 32)), signature: toHex(signature) })
    await passes({ serialized: cut, valid: false })
    await fails({ serialized: cut })
    await fails({ serialized: [...data], valid: false })
  })
})

test('addresses', async () => {
  await passes({ seed: toHex(seed), address: me.publicKey.toBase58() })
  await fails({ seed: toHex(seed), address: keypair(2).publicKey.toBase58() })
})

test('signatures of Ed25519', async () => {
  const sig = toHex(signFor(me, utf8('hi'), null, 'message').signed)
  await passes({ seed: toHex(seed), pub: toHex(me.publicKey.toBytes()), msg: toHex(utf8('hi')), sig })
  await fails({ seed: toHex(seed), pub: toHex(me.publicKey.toBytes()), msg: toHex(utf8('ho')), sig })
})

test('anything else is skipped, with a reason', async () => {
  const report = await run({ odd: 1 }, 5 as unknown as object, { transaction: 'nothing' }, {})
  expect(report).toMatchObject({ passed: 0, failed: 0, skipped: 4 })
  expect(report.lines.join('\n')).toContain('no Solana vector that is known')
})
