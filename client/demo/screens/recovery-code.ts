import { wipe } from '../../../lib/protocol/bytes.ts'
import type { RecoveryCode } from '../../../lib/protocol/lifecycle.ts'
import { formatRecoveryCode } from '../../../lib/protocol/recovery-code.ts'
import type { App } from '../app.ts'
import { checkbox, form, h, submitButton } from '../dom.ts'

/** Shows the code, this once. */
export async function showRecovery(app: App, code: RecoveryCode, goOn: () => void): Promise<void> {
  const text = await formatRecoveryCode(code).finally(() => wipe(code))
  const kept = checkbox('I have written it down', false)
  const next = submitButton('Done')
  next.disabled = true
  kept.input.addEventListener('change', () => (next.disabled = !kept.input.checked))
  app.show({
    title: 'Your recovery code',
    content: [
      h('p', null, 'With it you set a new PIN when you forget yours, and open a backup. It is shown now and never again; nobody can look it up, we neither.'),
      h('p', { class: 'recovery-code' }, ...text.split('-').map((group) => h('span', null, group))),
      h('p', { class: 'hint' }, 'On paper, away from the device, is a good place. Whoever has it and your login has the wallet.'),
      form(goOn, kept.element, h('div', { class: 'actions' }, next)),
    ],
  })
}
