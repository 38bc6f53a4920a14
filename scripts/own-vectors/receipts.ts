/** Vectors of receipts: two in a chain, as the enclave signs them and as the table stores them. */
import { createHash, createPrivateKey, sign } from 'node:crypto'
import { storedTail } from '../../enclave-sim/core/receipts.ts'
import type { ReceiptsState } from '../../enclave-sim/core/state.ts'
import { concat, toHex } from '../../lib/protocol/bytes.ts'
import { encodeReceipt, encodeSign1, FIRST_PREVIOUS, openReceipt, receiptSigned, storedReceiptBinding, type Receipt } from '../../lib/protocol/receipt.ts'
import { receiptItem } from '../../lib/protocol/record.ts'
import { kept, plain, write } from './files.ts'
import { fixed, importP256, withNodeRandom } from './fixed.ts'
import { NOW_MS, WALLET } from './wallet.ts'

const sha256 = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(bytes).digest())
const pcr = (fill: number): Uint8Array => new Uint8Array(48).fill(fill)

/** Signatures are random each time: those of the last run are kept while they verify. @returns the state after the first, and the head after both */
export async function receiptVectors(hash: Uint8Array): Promise<{ readonly first: ReceiptsState }> {
  const key = await importP256(fixed('receipt key'))
  const publicKey = concat(key.x, key.y)
  const storageKey = fixed('receipt storage key')
  const measurements = { pcr0: pcr(1), pcr1: pcr(2), pcr2: pcr(3), pcr16: pcr(4) }

  async function make(id: string, receipt: Receipt): Promise<{ readonly vector: object; readonly sign1: Uint8Array<ArrayBuffer> }> {
    const payload = encodeReceipt(receipt)
    const old = encodeSign1(payload, await kept('receipts', id, 'signature'))
    const privateKey = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: Buffer.from(key.d).toString('base64url'), x: Buffer.from(key.x).toString('base64url'), y: Buffer.from(key.y).toString('base64url') }, format: 'jwk' })
    const isKept = (await openReceipt(old, publicKey)) !== undefined
    const sign1 = isKept ? old : encodeSign1(payload, new Uint8Array(sign('sha256', receiptSigned(payload), { key: privateKey, dsaEncoding: 'ieee-p1363' })))
    const { sequence } = receipt
    const nonce = fixed(`receipt nonce ${sequence}`, 12)
    const state = { privateKey: key.d, publicKey, storageKey, count: sequence, head: sha256(sign1), tail: [sign1] }
    const [stored] = await withNodeRandom([nonce], async () => storedTail(state, WALLET))
    if (stored === undefined) throw new Error('nothing to store')
    const vector = {
      id, wallet: WALLET, privateKey: toHex(key.d), publicKey: toHex(publicKey), value: plain(receipt), payload: toHex(payload), signed: toHex(receiptSigned(payload)), signature: toHex(sign1.slice(-64)),
      sign1: toHex(sign1), hash: toHex(sha256(sign1)), storageKey: toHex(storageKey), item: receiptItem(WALLET, sequence), storedAad: toHex(storedReceiptBinding(WALLET, sequence)), storedNonce: toHex(nonce), stored: toHex(stored.sealed),
    }
    return { vector, sign1 }
  }

  const common = { wallet: WALLET, measurements }
  const one = await make('create', { ...common, sequence: 1, atMs: NOW_MS, op: 'create', outcome: 'done', version: 1, failed: 0, signatures: [], previous: FIRST_PREVIOUS })
  const signatures = [{ hash, summary: fixed('summary') }]
  const two = await make('sign', { ...common, sequence: 2, atMs: NOW_MS + 5000, op: 'sign', outcome: 'done', version: 2, failed: 1, signatures, previous: sha256(one.sign1) })
  await write('receipts', 'Receipts: COSE_Sign1, the chain, and as the table stores them (section 13)', [one.vector, two.vector])
  return { first: { privateKey: key.d, publicKey, storageKey, count: 1, head: sha256(one.sign1), tail: [one.sign1] } }
}
