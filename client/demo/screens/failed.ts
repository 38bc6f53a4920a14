import type { App, Screen } from '../app.ts'
import { button, h } from '../dom.ts'
import { codeOf, explain } from '../explain.ts'
import { logInButton, welcome } from './welcome.ts'

/** What ends a session: an enclave that is not believed, or a login that is over. */
export function failed(app: App, error: unknown): Screen {
  const code = codeOf(error) ?? ''
  const untrusted = code.startsWith('attestation_')
  app.logOut()
  if (!untrusted) {
    const title = code === 'token_expired' ? 'Your login has run out' : 'The login was not accepted'
    return { title, content: [h('p', null, explain(error)), h('div', { class: 'actions' }, logInButton(app, 'Log in again'))] }
  }
  app.seen.refused(explain(error))
  return {
    title: 'This enclave is not trusted',
    content: [
      h('div', { class: 'refusal', attributes: { role: 'alert' } }, h('p', null, h('strong', null, explain(error))), h('p', null, 'Nothing was sent to it: no PIN, no key, no transaction.')),
      h('p', { class: 'hint' }, 'Whoever runs the service, or sits between you and it, may be trying to read your PIN. Trying again is safe: the check comes first, each time. '),
      h('p', { class: 'code' }, code),
      h('div', { class: 'actions' }, button('Check again', 'primary', () => app.show(welcome(app)))),
    ],
  }
}
