import type { Wallet } from '../../connect.ts'
import { allChains, chainOf } from '../../../lib/chains/registry.ts'
import type { App, Screen } from '../app.ts'
import { button, form, h, submitButton } from '../dom.ts'
import { withPin } from '../pin-dialog.ts'
import { chainName } from '../words.ts'
import { home, walletBar } from './home.ts'
import { recoverScreen } from './recover.ts'

/** The first index at which the wallet has no account yet. */
function nextPath(wallet: Wallet, namespace: string): string {
  const chain = chainOf(namespace)
  for (let index = 0; ; index++) {
    const path = chain.path(index)
    if (!wallet.last.accounts.some((one) => one.namespace === namespace && one.path === path)) return path
  }
}

export function addAccountScreen(app: App, wallet: Wallet): Screen {
  const select = h('select', { id: 'chain' }, ...allChains().map(({ namespace }) => h('option', { attributes: { value: namespace } }, chainName(namespace))))
  const submit = async (): Promise<void> => {
    const namespace = select.value
    const names = [{ namespace, path: nextPath(wallet, namespace) }]
    const done = await app.attempt('The enclave derives the account …', () =>
      withPin({ title: `Add an account on ${chainName(namespace)}`, op: 'addAccounts', wallet, nowMs: app.nowMs, onForgotten: () => app.show(recoverScreen(app, wallet)) }, (secrets) =>
        wallet.addAccounts(names, secrets)))
    if (done !== undefined) await home(app, wallet, 'The account is there.')
  }
  return {
    title: 'Add an account',
    header: walletBar(app, wallet, 'Wallet'),
    content: [
      form(() => void submit(), h('div', { class: 'field' }, h('label', { attributes: { for: 'chain' } }, 'Chain'), select),
        h('div', { class: 'actions' }, submitButton('Add'), button('Back', 'quiet', () => void home(app, wallet)))),
    ],
  }
}
