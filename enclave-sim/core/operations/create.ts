import { isUtf8 } from 'node:buffer'
import { randomFillSync } from 'node:crypto'
import { concat, secretBytes, wipe } from '../../../lib/protocol/bytes.ts'
import { wipeDeep } from '../../../lib/protocol/cbor.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeCreateParameters, decodeImportParameters, encodeWithRecovery, type ImportedSecret, type NewWallet } from '../../../lib/protocol/lifecycle.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import { recoveryPublicKey } from '../../../lib/protocol/recovery-seal.ts'
import { joinSecret, type WalletSecret } from '../../../lib/protocol/wallet-secret.ts'
import { walletEntropy } from '../entropy.ts'
import { wipeState, withSecret } from '../guarded.ts'
import { isScalar } from '../hd.ts'
import { firstAccounts, rootFingerprint } from '../keys.ts'
import { mnemonicBytes, mnemonicEntropy, mnemonicSeed } from '../mnemonic.ts'
import { newReceipts, withReceipt } from '../receipts.ts'
import { recoveryCode } from '../recovery.ts'
import type { WalletContent } from '../state.ts'
import { hashPin, remember, requirePin, wrap, type PinHash } from '../unlock.ts'
import type { WalletTurn } from '../wallet-queue.ts'
import { currentRecord, inTurn, parametersOf, type OperationHandler, type OperationInput, type Result } from './operation.ts'
import { repeatedCode } from './recovery.ts'
import { viewOf } from './view.ts'

/** Makes a wallet. A retry with the same idempotency key, parameters and PIN finds the wallet that the first one made. */
export const create: OperationHandler = (input) => {
  const parameters = parametersOf(input.body, decodeCreateParameters)
  return make(input, parameters, async () => {
    const entropy = await walletEntropy(input.core.nsm, input.core.vault.dataKeys, parameters.words === 12 ? 16 : 32)
    return fromEntropy(entropy, new Uint8Array())
  })
}

/** Takes in keys that were made elsewhere. */
export const importWallet: OperationHandler = async (input) => {
  const parameters = parametersOf(input.body, decodeImportParameters)
  try {
    checkImport(parameters.secret)
    return await make(input, parameters, () => fromImport(parameters.secret))
  } finally {
    wipeDeep(input.body.parameters) // the keys came in them
  }
}

async function fromEntropy(entropy: Uint8Array, passphrase: Uint8Array): Promise<WalletSecret> {
  const sentence = mnemonicBytes(entropy)
  try {
    return { kind: 'mnemonic', entropy, passphrase, seed: mnemonicSeed(sentence, passphrase) }
  } finally {
    wipe(sentence)
  }
}

/** Before anything is charged, stored or waited for. @throws CloisterError `mnemonic_invalid`, `private_key_invalid` */
function checkImport(secret: ImportedSecret): void {
  if (secret.kind === 'mnemonic') {
    const entropy = mnemonicEntropy(secret.mnemonic)
    if (entropy === undefined || !isUtf8(secret.passphrase)) throw new CloisterError('mnemonic_invalid')
    wipe(entropy)
  } else if (secret.key.length !== 32 || (secret.kind === 'secp256k1' && !isScalar(secret.key))) {
    throw new CloisterError('private_key_invalid')
  }
}

async function fromImport(secret: ImportedSecret): Promise<WalletSecret> {
  if (secret.kind !== 'mnemonic') return { kind: secret.kind, key: concat(secret.key) }
  const entropy = mnemonicEntropy(secret.mnemonic)
  if (entropy === undefined) throw new CloisterError('mnemonic_invalid')
  return fromEntropy(entropy, concat(secret.passphrase))
}

function make(input: OperationInput, parameters: NewWallet, secretOf: () => Promise<WalletSecret>): Promise<Result> {
  requirePin(input.body.pin)
  return inTurn(input, async (turn) => {
    const existing = currentRecord(input, turn)
    return existing === null ? store(input, turn, parameters, secretOf) : again(input, turn, existing)
  })
}

async function store(input: OperationInput, turn: WalletTurn, parameters: NewWallet, secretOf: () => Promise<WalletSecret>): Promise<Result> {
  const { core, owner, body } = input
  const nowMs = core.clock.nowMs()
  let secret: WalletSecret | undefined
  let joined: Uint8Array | undefined
  let pinHash: PinHash | undefined
  let content: WalletContent | undefined
  try {
    secret = await secretOf()
    joined = joinSecret(secret)
    const idempotencyKey = randomFillSync(secretBytes(32))
    pinHash = await hashPin(core.vault, requirePin(body.pin), idempotencyKey)
    const code = parameters.recovery ? recoveryCode(idempotencyKey, joined, body.idempotency) : null
    const done = { wallet: body.wallet, op: body.op, atMs: nowMs, version: 1, failed: 0, signatures: [], outcome: 'done' } as const
    content = {
      kind: secret.kind,
      label: parameters.label,
      accounts: firstAccounts(secret),
      permissions: parameters.permissions,
      fingerprint: rootFingerprint(secret),
      createdAtMs: nowMs,
      idempotencyKey,
      recent: remember({ idempotencyKey, recent: [] }, body, nowMs),
      recoveryKey: code === null ? null : await recoveryPublicKey(code),
      recoveryMadeAtMs: code === null ? null : nowMs,
      factor: null,
      export: null,
      goneAtMs: null,
      receipts: withReceipt(newReceipts(), done, core.measurements, true),
    }
    const record = await wrap(core.vault, { owner, wallet: body.wallet, version: 1, createdAtMs: nowMs }, content, joined, pinHash)
    await put(input, record)
    core.floor.committed(record, content, [], nowMs)
    turn.leave(record)
    return encodeWithRecovery({ view: viewOf(record, content, nowMs), recovery: code })
  } finally {
    wipeDeep(secret)
    wipe(joined, pinHash?.bytes)
    if (content !== undefined) wipeState(content)
  }
}

/** @throws CloisterError `stale` when the id was taken meanwhile, `unavailable` when the table gave no answer */
async function put(input: OperationInput, record: WalletRecord): Promise<void> {
  let result
  try {
    result = await input.core.table.create(record)
  } catch {
    throw new CloisterError('unavailable', { retryAfterSec: 2 })
  }
  // Somebody was faster, perhaps this very request on another enclave: the relay reads again, and then there is a record.
  if (result === 'conflict') throw new CloisterError('stale')
}

async function again(input: OperationInput, turn: WalletTurn, existing: WalletRecord): Promise<Result> {
  const { core, body } = input
  const done = await withSecret(core, body, existing, turn, {
    check(_state, { isRepeat }) {
      if (!isRepeat) throw new CloisterError('wallet_exists')
    },
    asksForCode: () => false,
    // With the PIN alone, the code would be a way round a second factor.
    work: async (state, _secret, _moment, joined) => ({ result: state.factor?.confirmed === true ? null : await repeatedCode(state, joined, body) }),
  })
  return encodeWithRecovery({ view: viewOf(done.record, done.state, core.clock.nowMs()), recovery: done.result })
}
