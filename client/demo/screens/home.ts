import type { Wallet } from '../../connect.ts'
import type { Account } from '../../../lib/protocol/operations.ts'
import { formatEther, shortEther } from '../amounts.ts'
import type { App } from '../app.ts'
import { button, h } from '../dom.ts'
import { explain } from '../explain.ts'
import { balanceOf, fund } from '../rpc.ts'
import { withPin } from '../pin-dialog.ts'
import { chainName, short, when } from '../words.ts'
import { addAccountScreen } from './add-account.ts'
import { historyScreen } from './history.ts'
import { recoverScreen } from './recover.ts'
import { securityScreen } from './security.ts'
import { sendScreen } from './send.ts'
import { topBar } from './wallets.ts'

const PLAY_MONEY = 10n ** 18n

/** The wallet's name and its three places. */
export function walletBar(app: App, wallet: Wallet, here: 'Wallet' | 'History' | 'Security'): HTMLElement {
  const places = { Wallet: () => void home(app, wallet), History: () => void historyScreen(app, wallet), Security: () => app.show(securityScreen(app, wallet)) }
  const tabs = Object.entries(places).map(([name, go]) =>
    h('button', { class: 'tab', attributes: { type: 'button', ...(name === here ? { 'aria-current': 'page' } : {}) }, on: { click: go } }, name))
  return h('div', null, topBar(app), h('nav', { class: 'tabs', attributes: { 'aria-label': 'Wallet' } }, ...tabs))
}

export function etherAccount(wallet: Wallet): Account | undefined {
  return wallet.last.accounts.find(({ namespace }) => namespace === 'eip155')
}

/** @param said - what just happened */
export async function home(app: App, wallet: Wallet, said = ''): Promise<void> {
  const { last } = wallet
  if (last.goneAtMs !== null) return deleted(app, wallet)
  const account = etherAccount(wallet)
  const { rpc } = app
  const figure = h('p', { class: 'balance' }, '…')
  const refresh = async (): Promise<void> => {
    if (rpc === null || account === undefined) return
    const wei = await balanceOf(rpc, account.address).catch((error: unknown) => {
      app.tell(explain(error))
      return undefined
    })
    figure.replaceChildren(wei === undefined ? '—' : shortEther(wei), h('span', { class: 'unit' }, ' ETH'))
    if (wei !== undefined) figure.title = `${formatEther(wei)} ETH`
  }
  const getSome = async (): Promise<void> => {
    if (rpc === null || account === undefined) return
    await app.attempt('Asking the local chain …', () => fund(rpc, account.address, PLAY_MONEY))
    await refresh()
  }
  const money = h('section', { class: 'card money', attributes: { 'aria-label': 'Balance' } },
    h('p', { class: 'eyebrow' }, 'Ethereum, local chain'), figure,
    h('div', { class: 'actions' }, button('Send', 'primary', () => app.show(sendScreen(app, wallet))), button('Get 1 test ETH', 'quiet', () => void getSome())))
  app.show({
    title: last.label === '' ? 'Wallet' : last.label,
    header: walletBar(app, wallet, 'Wallet'),
    content: [
      rpc === null || account === undefined ? null : money,
      h('section', { class: 'stack' }, h('h2', null, 'Accounts'), h('ul', { class: 'rows' }, ...last.accounts.map((one) => accountRow(app, one))),
        h('div', { class: 'actions' }, button('Add an account', 'quiet', () => app.show(addAccountScreen(app, wallet))))),
    ],
  })
  if (said !== '') app.tell(said, 'good')
  await refresh()
}

function accountRow(app: App, { namespace, path, address }: Account): HTMLElement {
  const copy = (): void => {
    void navigator.clipboard.writeText(address).then(() => app.tell('Address copied.', 'good'), () => app.tell('The browser did not let this page copy. Select the address instead.'))
  }
  const name = button('Copy', 'quiet', copy)
  name.setAttribute('aria-label', `Copy the ${chainName(namespace)} address ${short(address)}`)
  return h('li', { class: 'account' },
    h('div', null, h('strong', null, chainName(namespace)), h('span', { class: 'row-detail' }, ` ${path}`), h('code', { class: 'address' }, address)), name)
}

function deleted(app: App, wallet: Wallet): void {
  const restore = async (): Promise<void> => {
    const done = await app.attempt('Restoring …', () =>
      withPin({ title: 'Restore the wallet', op: 'restore', wallet, nowMs: app.nowMs, onForgotten: () => app.show(recoverScreen(app, wallet)) }, (secrets) => wallet.restore(secrets)))
    if (done !== undefined) await home(app, wallet, 'The wallet is back.')
  }
  app.show({
    title: 'This wallet is deleted',
    header: topBar(app),
    content: [
      h('p', null, `It can be restored until ${when(wallet.last.goneAtMs ?? 0)}. After that its keys are gone for good.`),
      h('div', { class: 'actions' }, button('Restore it', 'primary', () => void restore())),
    ],
  })
}
