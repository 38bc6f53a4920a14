import type { App, Screen } from '../app.ts'
import { button, h } from '../dom.ts'
import { wallets } from './wallets.ts'

export function welcome(app: App): Screen {
  return {
    title: 'A wallet you log in to',
    content: [
      h('p', { class: 'lead' }, 'No seed phrase on a sticky note, no browser extension. You log in, type a PIN, and an enclave that this page has checked signs for you.'),
      h('ul', { class: 'points' },
        h('li', null, h('strong', null, 'Your PIN goes to the enclave alone. '), 'It is sealed in this page; the servers between pass on bytes that they cannot read.'),
        h('li', null, h('strong', null, 'The enclave is checked first. '), 'What it runs must be what this app was made for, or nothing leaves the page.'),
        h('li', null, h('strong', null, 'You read what you sign. '), 'The enclave refuses whatever differs from the summary on your screen.')),
      h('div', { class: 'actions' }, logInButton(app, 'Log in')),
      h('p', { class: 'hint' }, 'A test set-up on your own machine: any user name logs in, and the ether is play money.'),
    ],
  }
}

export function logInButton(app: App, label: string): HTMLElement {
  return button(label, 'primary', () => {
    // In the click itself: later, browsers take it for an advertisement.
    const popup = window.open('about:blank', 'cloister-login', 'popup,width=480,height=640')
    void loggingIn(app, popup)
  })
}

async function loggingIn(app: App, popup: Window | null): Promise<void> {
  const abort = new AbortController()
  const cancel = (): void => {
    abort.abort(new DOMException('Cancelled', 'AbortError'))
    popup?.close()
    app.show(welcome(app))
  }
  let url = ''
  const again = button('Open the login window', 'primary', () => void window.open(url, 'cloister-login', 'popup,width=480,height=640'))
  again.hidden = popup !== null
  app.show({
    title: 'Log in',
    content: [
      h('p', null, 'A window of your login provider is open. This page goes on by itself when you are done there.'),
      h('div', { class: 'actions' }, again, button('Cancel', 'quiet', cancel)),
    ],
  })
  const open = (to: string): boolean => {
    url = to
    if (popup === null || popup.closed) again.hidden = false
    else popup.location.replace(to)
    return popup !== null
  }
  const connected = await app.attempt('Logging in and checking the enclave …', async () => {
    await app.connect(abort.signal, open)
    return true
  })
  if (connected === true) await wallets(app)
  else popup?.close()
}
