import { wipe } from '../../../lib/protocol/bytes.ts'
import type { App, Screen } from '../app.ts'
import { button, checkbox, field, form, h, submitButton } from '../dom.ts'
import { choosePin } from '../pin-dialog.ts'
import { home } from './home.ts'
import { showRecovery } from './recovery-code.ts'
import { topBar, wallets } from './wallets.ts'

/** What may be chosen of a wallet, however its keys come about. */
export function wishes() {
  const label = field({ label: 'Name', hint: 'For you to tell your wallets apart. The servers don’t see it.', value: 'Everyday', attributes: { maxlength: '64' } })
  const exportable = checkbox('Let me take the keys elsewhere later', true)
  const recovery = checkbox('Make a recovery code, for a forgotten PIN', true)
  return {
    element: h('div', { class: 'stack' }, label.element, recovery.element, exportable.element),
    read: () => ({ label: label.input.value.trim(), permissions: { exportable: exportable.input.checked }, recovery: recovery.input.checked }),
  }
}

export function createScreen(app: App): Screen {
  const chosen = wishes()
  const submit = async (): Promise<void> => {
    const wallet = await app.attempt('The enclave makes your keys …', async () => {
      const options = chosen.read()
      const pin = await choosePin('Choose a PIN')
      return app.cloister.wallets.create({ ...options, pin }).finally(() => wipe(pin))
    })
    if (wallet === undefined) return
    app.wallet = wallet
    const goOn = (): void => void home(app, wallet)
    if (wallet.recovery === null) goOn()
    else await showRecovery(app, wallet.recovery, goOn)
  }
  return {
    title: 'Create a wallet',
    header: topBar(app),
    content: [form(() => void submit(), chosen.element, h('div', { class: 'actions' }, submitButton('Choose a PIN'), button('Back', 'quiet', () => void wallets(app))))],
  }
}
