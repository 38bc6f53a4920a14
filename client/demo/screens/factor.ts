import type { Wallet } from '../../connect.ts'
import { wipe } from '../../../lib/protocol/bytes.ts'
import type { Operation } from '../../../lib/protocol/header.ts'
import type { App } from '../app.ts'
import { button, h } from '../dom.ts'
import { withPin } from '../pin-dialog.ts'
import { qrSvg } from '../qr/svg.ts'
import { base32, otpauthUri } from '../totp.ts'
import { walletBar } from './home.ts'
import { pinOf, securityScreen } from './security.ts'

/** What the second factor guards here: whatever moves money or keys. */
const GUARDED: readonly Operation[] = ['sign', 'changePin', 'renewRecovery', 'export', 'delete']

export async function enrol(app: App, wallet: Wallet, back: (said: string) => void): Promise<void> {
  const made = await app.attempt('Making a secret …', () => pinOf(app, wallet, 'enrolFactor', 'Set up a second factor')((secrets) => wallet.enrolFactor(GUARDED, secrets)))
  if (made === undefined) return
  const secret = base32(made.secret)
  wipe(made.secret)
  const uri = otpauthUri(secret)
  const confirm = async (): Promise<void> => {
    const done = await app.attempt('Checking the code …', () =>
      withPin({ title: 'Confirm the second factor', op: 'confirmFactor', wallet, withCode: true, nowMs: app.nowMs }, ({ pin, otp = '' }) => wallet.confirmFactor({ pin, otp })))
    if (done !== undefined) back('From now on, a one-time code is asked for as well.')
  }
  app.show({
    title: 'Scan with your authenticator',
    header: walletBar(app, wallet, 'Security'),
    content: [
      qrSvg(uri, 'QR code with the secret of your second factor'),
      h('p', null, 'Or type this secret into the app:'),
      h('p', { class: 'secret' }, ...(secret.match(/.{4}/g) ?? []).map((group) => h('span', null, group))),
      h('details', null, h('summary', null, 'As an address'), h('code', { class: 'address' }, uri)),
      h('p', { class: 'hint' }, 'It counts once you have confirmed it with a first code.'),
      h('div', { class: 'actions' }, button('Confirm with a code', 'primary', () => void confirm()), button('Not now', 'quiet', () => app.show(securityScreen(app, wallet)))),
    ],
  })
}

export async function removeFactor(app: App, wallet: Wallet, back: (said: string) => void): Promise<void> {
  const done = await app.attempt('Removing …', () =>
    withPin({ title: 'Remove the second factor', op: 'removeFactor', wallet, withCode: true, nowMs: app.nowMs }, (secrets) => wallet.removeFactor(secrets)))
  if (done !== undefined) back('The second factor is off.')
}
