import type { App } from '../app.ts'
import { button, h } from '../dom.ts'
import { when } from '../words.ts'
import { createScreen } from './create.ts'
import { importScreen } from './import.ts'
import { home } from './home.ts'
import { welcome } from './welcome.ts'

/** Who is logged in, and the way out. */
export function topBar(app: App): HTMLElement {
  return h('div', { class: 'top-bar' },
    h('p', { class: 'who' }, h('span', { class: 'who-words' }, 'Logged in as '), h('strong', null, app.subject)),
    h('div', { class: 'top-actions' },
      app.wallet === undefined ? null : button('All wallets', 'quiet', () => void wallets(app)),
      button('Log out', 'quiet', () => {
        app.logOut({ forgetUser: true })
        app.show(welcome(app))
      })))
}

/** The list; or straight into a first wallet where there is none. */
export async function wallets(app: App): Promise<void> {
  app.wallet = undefined
  const listed = await app.attempt('Looking for your wallets …', () => app.cloister.wallets.list())
  if (listed === undefined) return
  const make = [button('Create a wallet', 'primary', () => app.show(createScreen(app))), button('Import one', 'quiet', () => app.show(importScreen(app)))]
  if (listed.length === 0) {
    app.show({
      title: 'Your first wallet',
      header: topBar(app),
      content: [
        h('p', null, 'Make new keys inside the enclave, or bring the ones you have.'),
        h('div', { class: 'actions' }, ...make),
      ],
    })
    return
  }
  const rows = listed.map(({ id, createdAtMs, expiresAtSec }) =>
    h('li', null, h('button', { class: 'row', attributes: { type: 'button' }, on: { click: () => void openWallet(app, id) } },
      h('span', null, h('strong', null, `Wallet ${id.slice(0, 8)}`), h('span', { class: 'row-detail' }, `made ${when(createdAtMs)}${expiresAtSec > 0 ? ', deleted' : ''}`)),
      h('span', { class: 'chevron', attributes: { 'aria-hidden': 'true' } }, '›'))))
  app.show({ title: 'Your wallets', header: topBar(app), content: [h('ul', { class: 'rows' }, ...rows), h('div', { class: 'actions' }, ...make)] })
}

/** Asks the enclave: names and addresses are believed from nobody else. */
async function openWallet(app: App, id: string): Promise<void> {
  const wallet = await app.attempt('Asking the enclave …', () => app.cloister.wallets.get(id))
  if (wallet === undefined) return
  app.wallet = wallet
  await home(app, wallet)
}
