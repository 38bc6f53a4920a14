import type { Wallet } from '../../connect.ts'
import { wipe } from '../../../lib/protocol/bytes.ts'
import type { Operation } from '../../../lib/protocol/header.ts'
import type { App, Screen } from '../app.ts'
import { button, h, type ButtonLook } from '../dom.ts'
import { choosePin, withPin, type Secrets } from '../pin-dialog.ts'
import { when } from '../words.ts'
import { exportScreen } from './export.ts'
import { enrol, removeFactor } from './factor.ts'
import { home, walletBar } from './home.ts'
import { recoverScreen } from './recover.ts'
import { showRecovery } from './recovery-code.ts'
import { renameScreen } from './rename.ts'

/** Asks for the PIN of this wallet; the way to a new one is in the dialog. */
export function pinOf(app: App, wallet: Wallet, op: Operation, title: string) {
  return <T>(use: (secrets: Secrets) => Promise<T>): Promise<T> =>
    withPin({ title, op, wallet, nowMs: app.nowMs, onForgotten: () => app.show(recoverScreen(app, wallet)) }, use)
}

export function securityScreen(app: App, wallet: Wallet, said = ''): Screen {
  const { last } = wallet
  const back = (text: string): void => app.show(securityScreen(app, wallet, text))

  const changePin = async (): Promise<void> => {
    let newPin: Uint8Array | undefined
    const done = await app.attempt('Changing the PIN …', () =>
      pinOf(app, wallet, 'changePin', 'Your PIN until now')(async (secrets) => {
        // Chosen once, however often the old one is mistyped.
        newPin ??= await choosePin('Choose a new PIN')
        return wallet.changePin(newPin, secrets)
      })).finally(() => wipe(newPin))
    if (done !== undefined) back('The new PIN counts from now on.')
  }
  const renew = async (): Promise<void> => {
    const done = await app.attempt('Making a new code …', () => pinOf(app, wallet, 'renewRecovery', 'A new recovery code')((secrets) => wallet.renewRecovery(secrets)))
    if (done?.recovery) await showRecovery(app, done.recovery, () => back('The recovery code before is worth nothing any more.'))
  }
  const remove = async (): Promise<void> => {
    const done = await app.attempt('Deleting …', () => pinOf(app, wallet, 'delete', 'Delete this wallet')((secrets) => wallet.delete(secrets)))
    if (done !== undefined) await home(app, wallet)
  }
  const has = last.factor?.confirmed === true
  return {
    title: 'Security',
    header: walletBar(app, wallet, 'Security'),
    content: [
      said === '' ? null : h('p', { class: 'notice good', attributes: { role: 'status' } }, said),
      h('ul', { class: 'settings' },
        setting('PIN', last.wrongTotal === 0 ? 'No wrong PIN in 30 days.' : `${last.wrongTotal} wrong in the last 30 days.`, 'Change', () => void changePin()),
        setting('Recovery code', last.recoveryMadeAtMs !== null ? `Made ${when(last.recoveryMadeAtMs)}. Was that you?` : 'There is none: a forgotten PIN is a lost wallet.', last.recoveryMadeAtMs !== null ? 'Replace' : 'Make one', () => void renew()),
        setting('Second factor', has ? 'Signing, exporting and deleting ask for a one-time code.' : 'Off. An authenticator app can guard signing.', has ? 'Remove' : 'Set up',
          () => void (has ? removeFactor(app, wallet, back) : enrol(app, wallet, back))),
        setting('Export and backup', last.permissions.exportable ? 'Take the keys elsewhere, or keep a sealed backup.' : 'This wallet was made to keep its keys.', 'Export',
          last.permissions.exportable ? () => app.show(exportScreen(app, wallet)) : undefined),
        setting('Name', last.label === '' ? 'None.' : last.label, 'Rename', () => app.show(renameScreen(app, wallet))),
        setting('Delete', 'It can be restored for seven days.', 'Delete', () => void remove(), 'danger')),
    ],
  }
}

function setting(name: string, state: string, verb: string, act: (() => void) | undefined, look: ButtonLook = 'quiet'): HTMLElement {
  const change = button(verb, look, act ?? (() => undefined))
  change.setAttribute('aria-label', `${verb}: ${name}`)
  return h('li', null, h('div', null, h('h2', null, name), h('p', { class: 'hint' }, state)), act === undefined ? null : change)
}
