import type { Wallet } from '../../connect.ts'
import { wipe } from '../../../lib/protocol/bytes.ts'
import { parseRecoveryCode } from '../../../lib/protocol/recovery-code.ts'
import type { App, Screen } from '../app.ts'
import { button, checkbox, field, form, h, submitButton } from '../dom.ts'
import { choosePin } from '../pin-dialog.ts'
import { home, walletBar } from './home.ts'
import { showRecovery } from './recovery-code.ts'

export function recoverScreen(app: App, wallet: Wallet): Screen {
  const written = field({
    label: 'Recovery code', hint: 'Seven groups of four. Capitals and dashes don’t matter.', attributes: { spellcheck: 'false', autocapitalize: 'characters', placeholder: 'XXXX-XXXX-…' },
  })
  const factor = checkbox('My authenticator app is gone too: take the second factor off', false)
  factor.element.hidden = wallet.last.factor?.confirmed !== true
  const submit = async (): Promise<void> => {
    const code = await parseRecoveryCode(written.input.value)
    if (code === undefined) return written.complain('A character is wrong or missing: the code’s own check does not hold.')
    written.complain('')
    const done = await app.attempt('Recovering …', async () => {
      const newPin = await choosePin('Choose a new PIN')
      return wallet.recover({ code, removeFactor: factor.input.checked }, { newPin }).finally(() => wipe(newPin))
    }).finally(() => wipe(code))
    if (done === undefined) return
    written.input.value = ''
    const goOn = (): void => void home(app, wallet, 'The new PIN counts from now on.')
    if (done.recovery === null) goOn()
    else await showRecovery(app, done.recovery, goOn)
  }
  return {
    title: 'Forgot the PIN',
    header: walletBar(app, wallet, 'Security'),
    content: [
      h('p', null, 'Your recovery code sets a new PIN. It is used up by that, and you get the next one.'),
      form(() => void submit(), written.element, factor.element, h('div', { class: 'actions' }, submitButton('Choose a new PIN'), button('Back', 'quiet', () => void home(app, wallet)))),
    ],
  }
}
