import { setImmediate as breathe } from 'node:timers/promises'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeAccountNames, decodeRenameParameters, encodeAccounts, encodeView, type AccountName } from '../../../lib/protocol/lifecycle.ts'
import { LIMITS } from '../../../lib/protocol/limits.ts'
import type { Account } from '../../../lib/protocol/operations.ts'
import type { WalletSecret } from '../../../lib/protocol/wallet-secret.ts'
import type { WalletKind } from '../../../lib/protocol/wallet-view.ts'
import { deriveAccount, requirePath } from '../keys.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** Shows accounts without adding them: for looking, in the order of common wallets, which ones a mnemonic from elsewhere has used. */
export const discover: OperationHandler = async (input) => {
  const names = parametersOf(input.body, decodeAccountNames)
  const done = await onWallet(input, {
    check: (state) => requireDerivable(state.kind, names),
    work: async (_state, secret) => ({ result: await derive(secret, names) }),
  })
  return encodeAccounts(done.result)
}

/** Adds accounts: all or none. One that is there already is an error, unless this is a repeat. */
export const addAccounts: OperationHandler = async (input) => {
  const { core, body } = input
  const names = parametersOf(body, decodeAccountNames)
  const keys = names.map(({ namespace, path }) => `${namespace} ${path}`)
  if (new Set(keys).size !== keys.length) throw new CloisterError('account_exists')
  const done = await onWallet(input, {
    check(state, { isRepeat }) {
      if (isRepeat) return
      requireDerivable(state.kind, names)
      if (state.accounts.some(({ namespace, path }) => keys.includes(`${namespace} ${path}`))) throw new CloisterError('account_exists')
      if (state.accounts.length + names.length > LIMITS.maxAccounts) throw new CloisterError('account_limit')
    },
    async work(state, secret, { isRepeat }) {
      if (isRepeat) return { result: null }
      return { result: null, changes: { accounts: [...state.accounts, ...(await derive(secret, names))] } }
    },
  })
  return encodeView(viewOf(done.record, done.state, core.clock.nowMs()))
}

/** Before the PIN is tried: else a wrong path would tell a right PIN without leaving a trace. @throws CloisterError `chain_unknown`, `account_path_invalid` */
function requireDerivable(kind: WalletKind, names: readonly AccountName[]): void {
  for (const { namespace, path } of names) requirePath(kind, namespace, path)
}

async function derive(secret: WalletSecret, names: readonly AccountName[]): Promise<readonly Account[]> {
  const accounts: Account[] = []
  for (const { namespace, path } of names) {
    accounts.push(deriveAccount(secret, namespace, path))
    await breathe() // others wait for the processor, too
  }
  return accounts
}

export const rename: OperationHandler = async (input) => {
  const { label } = parametersOf(input.body, decodeRenameParameters)
  const done = await onWallet(input, { work: (_state, _secret, { isRepeat }) => ({ result: null, changes: isRepeat ? {} : { label } }) })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}
