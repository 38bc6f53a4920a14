/** PSBTs for tests, built by bitcoinjs-lib (version 0) and turned into version 2 by @scure/btc-signer. */
import { Transaction as ScureTransaction } from '@scure/btc-signer'
import { initEccLib, payments, Psbt, Transaction, type Payment } from 'bitcoinjs-lib'
import * as ecc from '@bitcoinerlab/secp256k1'
import { impossible } from '../../lib/chains/bitcoin/scripts.ts'
import type { TestWallet } from './bitcoin-wallet.ts'
import type { Spent } from './bitcore.ts'

initEccLib(ecc)

export type Type = 'p2pkh' | 'p2sh-p2wpkh' | 'p2wpkh' | 'p2tr'
export const PURPOSES: Readonly<Record<Type, number>> = { p2pkh: 44, 'p2sh-p2wpkh': 49, p2wpkh: 84, p2tr: 86 }

function paymentOf(type: Type, publicKey: Uint8Array): Payment {
  switch (type) {
    case 'p2pkh':
      return payments.p2pkh({ pubkey: publicKey })
    case 'p2sh-p2wpkh':
      return payments.p2sh({ redeem: payments.p2wpkh({ pubkey: publicKey }) })
    case 'p2wpkh':
      return payments.p2wpkh({ pubkey: publicKey })
    case 'p2tr':
      return payments.p2tr({ internalPubkey: publicKey.subarray(1) })
    default:
      return impossible(type)
  }
}

export interface InputSpec {
  readonly type: Type
  /** Of the key that owns it. */
  readonly path: string
  readonly amount: bigint
  readonly sequence?: number
  readonly sighashType?: number
  /** Whose; the wallet's own by default. */
  readonly wallet?: TestWallet
  /** Whether the whole previous transaction goes in; always before segwit. */
  readonly previous?: boolean
}

export interface OutputSpec {
  readonly script: Uint8Array
  readonly amount: bigint
  /** A key that the PSBT says it pays. */
  readonly key?: { readonly type: Type; readonly path: string; readonly wallet?: TestWallet }
}

export interface PsbtSpec {
  readonly version?: number
  readonly lockTime?: number
  readonly inputs: readonly InputSpec[]
  readonly outputs: readonly OutputSpec[]
}

interface Built {
  readonly psbt: Psbt
  readonly bytes: Uint8Array
  readonly spent: readonly Spent[]
}

export const scriptAt = (wallet: TestWallet, type: Type, path: string): Uint8Array => paymentOf(type, wallet.publicKey(path)).output as Uint8Array

export function build(wallet: TestWallet, { version = 2, lockTime = 0, inputs, outputs }: PsbtSpec): Built {
  const psbt = new Psbt()
  psbt.setVersion(version)
  psbt.setLocktime(lockTime)
  const spent = inputs.map(({ type, path, amount, wallet: owner = wallet }) => ({ amount, script: scriptAt(owner, type, path) }))
  for (const [i, input] of inputs.entries()) addInput(psbt, wallet, input, spent[i] as Spent, i)
  for (const { script, amount, key } of outputs) psbt.addOutput({ script, value: amount, ...(key === undefined ? {} : originOf(key.wallet ?? wallet, key.type, key.path)) })
  return { psbt, bytes: new Uint8Array(psbt.toBuffer()), spent }
}

/** The same as a PSBT of version 2. */
export function asVersion2(bytes: Uint8Array): Uint8Array {
  return ScureTransaction.fromPSBT(bytes, { allowUnknownOutputs: true, unknown: 'ignore' }).toPSBT(2)
}

function addInput(psbt: Psbt, wallet: TestWallet, { type, path, sequence, sighashType, wallet: owner = wallet, previous }: InputSpec, { amount, script }: Spent, salt: number): void {
  const before = new Transaction()
  before.addInput(new Uint8Array(32).fill(salt + 1), salt)
  for (let i = 0; i < salt % 3; i++) before.addOutput(Uint8Array.of(0x51), 5000n)
  before.addOutput(script, amount)
  const publicKey = owner.publicKey(path)
  psbt.addInput({
    hash: before.getId(),
    index: salt % 3,
    ...(sequence === undefined ? {} : { sequence }),
    ...(sighashType === undefined ? {} : { sighashType }),
    ...(type === 'p2pkh' || previous === true ? { nonWitnessUtxo: before.toBuffer() } : {}),
    ...(type === 'p2pkh' ? {} : { witnessUtxo: { script, value: amount } }),
    ...(type === 'p2sh-p2wpkh' ? { redeemScript: payments.p2wpkh({ pubkey: publicKey }).output as Uint8Array } : {}),
    ...(type === 'p2tr' ? { tapInternalKey: publicKey.subarray(1) } : {}),
    ...originOf(owner, type, path),
  })
}

function originOf(wallet: TestWallet, type: Type, path: string): object {
  const masterFingerprint = Buffer.alloc(4)
  masterFingerprint.writeUInt32BE(wallet.fingerprint)
  const pubkey = wallet.publicKey(path)
  if (type === 'p2tr') return { tapBip32Derivation: [{ masterFingerprint, path, pubkey: pubkey.subarray(1), leafHashes: [] }] }
  return { bip32Derivation: [{ masterFingerprint, path, pubkey }] }
}
