import { parse } from '../../../lib/chains/ethereum/ethereum.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeSignParameters, encodeSignResult, type Account, type SignParameters } from '../../../lib/protocol/operations.ts'
import { guessState } from '../guesses.ts'
import { withSeed } from '../guarded.ts'
import { signDigest } from '../keys.ts'
import type { WalletState } from '../state.ts'
import { requirePin } from '../unlock.ts'
import { currentRecord, inTurn, type OperationHandler } from './operation.ts'

/**
 * Signs a transaction. It is read before anything is charged: what can't be read costs no guess. The signature is deterministic (RFC 6979),
 * so that a repeat gets the same bytes.
 */
export const sign: OperationHandler = async (input) => {
  const { core, body } = input
  const parameters = decodeSignParameters(body.parameters)
  if (parameters === undefined) throw new CloisterError('parameters_malformed')
  requirePin(body)
  const transaction = parse(parameters.chain, parameters.transaction)

  return inTurn(input, async (turn) => {
    const record = currentRecord(input, turn)
    if (record === null) throw new CloisterError('wallet_not_found')
    const done = await withSeed(core, body, record, turn, {
      check: (state) => void accountOf(state, parameters),
      work(state, seed) {
        const account = accountOf(state, parameters)
        return { ...transaction.assemble(signDigest(seed, account, transaction.digest), account.address), address: account.address }
      },
    })
    const guesses = guessState(done.record, core.clock.nowMs())
    return encodeSignResult({ ...done.result, fingerprint: done.state.fingerprint, ...guesses })
  })
}

function accountOf(state: WalletState, parameters: SignParameters): Account {
  const namespace = parameters.chain.split(':')[0]
  const account = state.accounts.find((one) => one.namespace === namespace && one.path === parameters.path)
  if (account === undefined) throw new CloisterError('account_unknown')
  return account
}
