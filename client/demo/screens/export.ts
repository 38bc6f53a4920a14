import type { Wallet } from '../../connect.ts'
import { toHex, wipe } from '../../../lib/protocol/bytes.ts'
import type { ExportParameters, ExportResult } from '../../../lib/protocol/lifecycle.ts'
import type { App, Screen } from '../app.ts'
import { button, h, type Child } from '../dom.ts'
import { chainName, when } from '../words.ts'
import { walletBar } from './home.ts'
import { pinOf, securityScreen } from './security.ts'

export function exportScreen(app: App, wallet: Wallet): Screen {
  const { kind, accounts, recoveryMadeAtMs } = wallet.last
  const take = (parameters: ExportParameters, title: string) => async (): Promise<void> => {
    const result = await app.attempt('The enclave opens the wallet …', () => pinOf(app, wallet, 'export', title)((secrets) => wallet.export(parameters, secrets)))
    if (result !== undefined) app.show(exportedScreen(app, wallet, result))
  }
  return {
    title: 'Export and backup',
    header: walletBar(app, wallet, 'Security'),
    content: [
      h('p', null, 'Whoever sees the words or a private key can take everything, without your login and without your PIN. A backup file alone opens nothing.'),
      h('div', { class: 'stack choices' },
        recoveryMadeAtMs !== null ? button('Download a backup file', 'primary', () => void take({ what: 'backup', path: null }, 'Download a backup')()) : null,
        kind === 'mnemonic' ? button('Show the recovery words', 'quiet', () => void take({ what: 'mnemonic', path: null }, 'Show the recovery words')()) : null,
        ...accounts.map(({ namespace, path }) => button(`Show the private key of ${chainName(namespace)} ${path}`, 'quiet', () => void take({ what: 'privateKey', path }, 'Show a private key')()))),
      h('div', { class: 'actions' }, button('Back', 'quiet', () => app.show(securityScreen(app, wallet)))),
    ],
  }
}

function exportedScreen(app: App, wallet: Wallet, result: ExportResult): Screen {
  const header = walletBar(app, wallet, 'Security')
  const done = h('div', { class: 'actions' }, button('Done', 'primary', () => app.show(securityScreen(app, wallet))))
  const screen = (title: string, ...content: readonly Child[]): Screen => ({ title, header, content: [...content, done] })
  if (result.kind === 'pending') return screen('The export is announced', h('p', null, `It can be made from ${when(result.export.readyAtMs)} on. Until then, every view of the wallet says that it is coming.`))
  if (result.kind === 'backup') return screen('Your backup', ...backup(wallet, result.file))
  if (result.kind === 'privateKey') {
    const key = toHex(result.key)
    wipe(result.key)
    return screen('Private key', h('p', null, `${chainName(result.account.namespace)}, ${result.account.path}`), h('p', { class: 'secret' }, ...(key.match(/.{8}/g) ?? []).map((group) => h('span', null, group))))
  }
  const words = new TextDecoder().decode(result.mnemonic).split(' ')
  wipe(result.mnemonic, result.passphrase)
  return screen('Your recovery words', h('ol', { class: 'words' }, ...words.map((word) => h('li', null, word))), h('p', { class: 'hint' }, 'In this order, on paper. This page forgets them when you leave this screen.'))
}

/** A file that only the recovery code opens. */
function backup(wallet: Wallet, file: Uint8Array): readonly Child[] {
  const url = URL.createObjectURL(new Blob([new Uint8Array(file)], { type: 'application/json' }))
  const link = h('a', { class: 'button primary', attributes: { href: url, download: `cloister-${wallet.id.slice(0, 8)}.json` } }, 'Save the file')
  return [
    h('p', null, 'Keep it where you keep files. Together with your recovery code it brings the wallet back without this service, on a machine of your own.'),
    h('div', { class: 'actions' }, link),
    h('p', { class: 'hint' }, 'A new recovery code does not open it: make a new backup after each new code.'),
  ]
}
