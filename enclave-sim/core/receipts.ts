/** Makes a wallet's receipts (lib/protocol/receipt.ts): signed with a key of the wallet's own, which only its sealed state holds. */
import { createCipheriv, createECDH, createHash, randomBytes, randomFillSync, sign } from 'node:crypto'
import { concat, fromHex, secretBytes, wipe } from '../../lib/protocol/bytes.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import {
  encodeReceipt, encodeSign1, FIRST_PREVIOUS, receiptSigned, storedReceiptBinding, type ReceiptMeasurements, type ReceiptOutcome, type ReceiptSignature,
} from '../../lib/protocol/receipt.ts'
import type { ReceiptsState } from './state.ts'

const MAX_UNWRITTEN = 32
const MAX_UNWRITTEN_BYTES = 32 * 1024

/** ECPrivateKey (RFC 5915) of P-256, up to the private key and after it. */
const SEC1_BEFORE = fromHex('30310201010420') as Uint8Array
const SEC1_AFTER = fromHex('a00a06082a8648ce3d030107') as Uint8Array

const ONE = secretBytes(32).fill(1, 31)
/** One for all calls: OpenSSL clears the key that a new one replaces, where an object per key would wait for the collector. */
const ecdh = createECDH('prime256v1')

export function newReceipts(): ReceiptsState {
  const publicKey = ecdh.generateKeys()
  const scalar = ecdh.getPrivateKey() // without leading zeros
  ecdh.setPrivateKey(ONE)
  const privateKey = secretBytes(32)
  privateKey.set(scalar, 32 - scalar.length)
  wipe(scalar)
  return { privateKey, publicKey: new Uint8Array(publicKey.subarray(1)), storageKey: randomFillSync(secretBytes(32)), count: 0, head: FIRST_PREVIOUS, tail: [] }
}

interface Done {
  readonly wallet: string
  readonly op: Operation
  readonly outcome: ReceiptOutcome
  readonly atMs: number
  readonly version: number
  readonly failed: number
  readonly signatures: readonly ReceiptSignature[]
}

/** The receipts with one more. `written`: whether the table now holds those of the tail. */
export function withReceipt(receipts: ReceiptsState, done: Done, measurements: ReceiptMeasurements, written: boolean): ReceiptsState {
  const payload = encodeReceipt({ ...done, sequence: receipts.count + 1, measurements, previous: receipts.head })
  const der = concat(SEC1_BEFORE, receipts.privateKey, SEC1_AFTER)
  try {
    const key = { key: Buffer.from(der.buffer), format: 'der', type: 'sec1', dsaEncoding: 'ieee-p1363' } as const
    const signature = sign('sha256', receiptSigned(payload), key)
    const receipt = encodeSign1(payload, new Uint8Array(signature))
    const head = new Uint8Array(createHash('sha256').update(receipt).digest())
    return { ...receipts, count: receipts.count + 1, head, tail: [...(written ? [] : receipts.tail), receipt] }
  } finally {
    wipe(der)
  }
}

/** Whether nothing more is done until the table takes what is unwritten: history is not given up for availability, nor may it outgrow the record. */
export function isTailFull({ tail }: ReceiptsState): boolean {
  return tail.length >= MAX_UNWRITTEN || tail.reduce((sum, receipt) => sum + receipt.length, 0) > MAX_UNWRITTEN_BYTES
}

/** The tail as the table stores it: AES-256-GCM, nonce (12 bytes) ‖ ciphertext ‖ tag (16); the relay that reads it learns sizes and times. */
export function storedTail(receipts: ReceiptsState, wallet: string): readonly { readonly sequence: number; readonly sealed: Uint8Array }[] {
  return receipts.tail.map((receipt, i) => {
    const sequence = receipts.count - receipts.tail.length + 1 + i
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', receipts.storageKey, nonce, { authTagLength: 16 })
    cipher.setAAD(storedReceiptBinding(wallet, sequence))
    return { sequence, sealed: concat(nonce, cipher.update(receipt), cipher.final(), cipher.getAuthTag()) }
  })
}
