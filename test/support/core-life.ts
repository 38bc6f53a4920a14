/** Shorthands for the life of a wallet: each throws the sealed code when the enclave refuses. */
import { randomBytes, randomUUID } from 'node:crypto'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { decodeView, decodeWithRecovery, encodeImportParameters, type ImportedSecret, type WalletWithRecovery } from '../../lib/protocol/lifecycle.ts'
import { NO_PERMISSIONS, type Permissions } from '../../lib/protocol/operations.ts'
import type { WalletView } from '../../lib/protocol/wallet-view.ts'
import { createParameters, PIN, type Outcome, type Shot, type TestClient } from './core-client.ts'

/** BIP-39's sentence of zeros, whose addresses everybody knows. */
export const ABANDON = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

export const mnemonic = (sentence = ABANDON, passphrase = ''): ImportedSecret => ({ kind: 'mnemonic', mnemonic: utf8(sentence), passphrase: utf8(passphrase) })

interface NewWalletShot {
  readonly pin?: string
  readonly recovery?: boolean
  readonly permissions?: Partial<Permissions>
  readonly label?: string
  readonly idempotency?: Uint8Array
  readonly wallet?: string
}

/** Makes a wallet with everything said. */
export async function makeWallet(client: TestClient, options: NewWalletShot = {}): Promise<WalletWithRecovery & { readonly wallet: string }> {
  const { pin = PIN, recovery = true, permissions = {}, label = '', idempotency, wallet = randomUUID() } = options
  const parameters = createParameters({ recovery, label, permissions: { ...NO_PERMISSIONS, ...permissions } })
  const outcome = await client.shoot({ op: 'create', wallet, pin, parameters, ...(idempotency === undefined ? {} : { idempotency }) })
  return { wallet, ...withRecovery(outcome) }
}

export async function importWallet(client: TestClient, secret: ImportedSecret, options: NewWalletShot = {}): Promise<WalletWithRecovery & { readonly wallet: string }> {
  const { pin = PIN, recovery = false, permissions = {}, label = '', idempotency, wallet = randomUUID() } = options
  const parameters = encodeImportParameters({ secret, recovery, label, permissions: { ...NO_PERMISSIONS, ...permissions } })
  const outcome = await client.shoot({ op: 'import', wallet, pin, parameters, ...(idempotency === undefined ? {} : { idempotency }) })
  return { wallet, ...withRecovery(outcome) }
}

/** One operation with the PIN; its result as `decode` reads it. */
export async function done<T>(client: TestClient, decode: (value: CborValue) => T | undefined, shot: Shot): Promise<T> {
  return resultOf(await client.shoot({ pin: PIN, ...shot }), decode)
}

/** An operation whose result is the view. */
export function viewed(client: TestClient, op: Operation, wallet: string, parameters: CborValue = {}, extra: Partial<Shot> = {}): Promise<WalletView> {
  return done(client, decodeView, { op, wallet, parameters, ...extra })
}

export function withRecovery(outcome: Outcome): WalletWithRecovery {
  return resultOf(outcome, decodeWithRecovery)
}

function resultOf<T>(outcome: Outcome, decode: (value: CborValue) => T | undefined): T {
  const result = outcome.result === undefined ? undefined : decode(outcome.result)
  if (result === undefined) throw new Error(outcome.code)
  return result
}

export const key16 = (): Uint8Array => new Uint8Array(randomBytes(16))
