import type { Wallet } from '../../connect.ts'
import type { App, Screen } from '../app.ts'
import { button, field, form, h, submitButton } from '../dom.ts'
import { walletBar } from './home.ts'
import { pinOf, securityScreen } from './security.ts'

export function renameScreen(app: App, wallet: Wallet): Screen {
  const label = field({ label: 'Name', value: wallet.last.label, attributes: { maxlength: '64' } })
  const submit = async (): Promise<void> => {
    const name = label.input.value.trim()
    const done = await app.attempt('Renaming …', () => pinOf(app, wallet, 'rename', 'Rename the wallet')((secrets) => wallet.rename(name, secrets)))
    if (done !== undefined) app.show(securityScreen(app, wallet, 'The wallet has its new name.'))
  }
  return {
    title: 'Rename',
    header: walletBar(app, wallet, 'Security'),
    content: [form(() => void submit(), label.element, h('div', { class: 'actions' }, submitButton('Rename'), button('Back', 'quiet', () => app.show(securityScreen(app, wallet)))))],
  }
}
