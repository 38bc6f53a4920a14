import { CloisterError } from '../../../lib/protocol/errors.ts'
import { decodeAccountNames, decodeRenameParameters, encodeAccounts, encodeView } from '../../../lib/protocol/lifecycle.ts'
import { LIMITS } from '../../../lib/protocol/limits.ts'
import { deriveAccount } from '../keys.ts'
import { onWallet, parametersOf, type OperationHandler } from './operation.ts'
import { viewOf } from './view.ts'

/** Shows accounts without adding them: for looking, in the order of common wallets, which ones a mnemonic from elsewhere has used. */
export const discover: OperationHandler = async (input) => {
  const names = parametersOf(input.body, decodeAccountNames)
  const done = await onWallet(input, { work: (_state, secret) => ({ result: names.map(({ namespace, path }) => deriveAccount(secret, namespace, path)) }) })
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
      if (state.accounts.some(({ namespace, path }) => keys.includes(`${namespace} ${path}`))) throw new CloisterError('account_exists')
      if (state.accounts.length + names.length > LIMITS.maxAccounts) throw new CloisterError('account_limit')
    },
    work(state, secret, { isRepeat }) {
      if (isRepeat) return { result: null }
      return { result: null, changes: { accounts: [...state.accounts, ...names.map(({ namespace, path }) => deriveAccount(secret, namespace, path))] } }
    },
  })
  return encodeView(viewOf(done.record, done.state, core.clock.nowMs()))
}

export const rename: OperationHandler = async (input) => {
  const { label } = parametersOf(input.body, decodeRenameParameters)
  const done = await onWallet(input, { work: (_state, _secret, { isRepeat }) => ({ result: null, changes: isRepeat ? {} : { label } }) })
  return encodeView(viewOf(done.record, done.state, input.core.clock.nowMs()))
}
