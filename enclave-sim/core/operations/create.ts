import { randomBytes } from 'node:crypto'
import { wipe } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeCreateParameters } from '../../../lib/protocol/operations.ts'
import type { WalletRecord } from '../../../lib/protocol/record.ts'
import { walletEntropy } from '../entropy.ts'
import { withSeed } from '../guarded.ts'
import { firstAccounts, rootFingerprint } from '../keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../mnemonic.ts'
import { joinSecret } from '../secret.ts'
import type { WalletState } from '../state.ts'
import { hashPin, isRepeat, remember, requirePin, wrap, type PinHash } from '../unlock.ts'
import type { WalletTurn } from '../wallet-queue.ts'
import { currentRecord, inTurn, type OperationHandler, type OperationInput, type Result } from './operation.ts'
import { viewOf } from './view.ts'

/** Makes a wallet. A retry with the same idempotency key, parameters and PIN finds the wallet that the first one made. */
export const create: OperationHandler = async (input) => {
  const parameters = decodeCreateParameters(input.body.parameters)
  if (parameters === undefined) throw new CloisterError('parameters_malformed')
  requirePin(input.body)
  return inTurn(input, async (turn) => {
    const existing = currentRecord(input, turn)
    return existing === null ? make(input, turn, parameters.words) : again(input, turn, existing)
  })
}

async function make(input: OperationInput, turn: WalletTurn, words: 12 | 24): Promise<Result> {
  const { core, owner, body } = input
  const nowMs = core.clock.nowMs()
  let entropy: Uint8Array | undefined
  let sentence: Uint8Array | undefined
  let seed: Uint8Array | undefined
  let secret: Uint8Array | undefined
  let pinHash: PinHash | undefined
  try {
    entropy = await walletEntropy(core.nsm, core.vault.dataKeys, words === 12 ? 16 : 32)
    sentence = mnemonicBytes(entropy)
    seed = await mnemonicSeed(sentence)
    secret = joinSecret(entropy, seed)
    pinHash = await hashPin(core.vault, requirePin(body))
    const fresh = {
      accounts: firstAccounts(seed),
      fingerprint: rootFingerprint(seed),
      createdAtMs: nowMs,
      idempotencyKey: new Uint8Array(randomBytes(32)),
      recent: [],
    }
    const state = { ...fresh, recent: remember(fresh, body, nowMs) }
    const record = await wrap(core.vault, { owner, wallet: body.wallet, version: 1, createdAtMs: nowMs }, { state, secret }, pinHash)
    await store(input, record)
    turn.leave(record)
    return viewOf(record, state, nowMs)
  } finally {
    wipe(entropy, sentence, seed, secret, pinHash?.bytes)
  }
}

/** @throws CloisterError `stale` when the id was taken meanwhile, `unavailable` when the table gave no answer */
async function store(input: OperationInput, record: WalletRecord): Promise<void> {
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
  const opened = await withSeed(input.core, input.body, existing, turn, {
    check(state: WalletState) {
      if (!isRepeat(state, input.body)) throw new CloisterError('wallet_exists')
    },
    work: () => null,
  })
  return viewOf(opened.record, opened.state, input.core.clock.nowMs())
}
