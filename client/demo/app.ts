/** What the screens share: where they are shown, how they wait and fail, and who is logged in. */
import { connect, CloisterError, type Cloister, type Wallet } from '../connect.ts'
import { trustOf, type DemoConfig } from './config.ts'
import { h, present, type Child } from './dom.ts'
import { codeOf, explain, isCancelled } from './explain.ts'
import { logIn, subjectOf } from './login.ts'
import { observedFetch } from './observe.ts'
import { createRpc, type Rpc } from './rpc.ts'
import type { SeenPanel } from './seen.ts'
import type { AttestedChannel } from '../trust.ts'

export interface Screen {
  readonly title: string
  readonly content: readonly Child[]
  /** Above the title: where one is. */
  readonly header?: Child
}

export interface App {
  readonly config: DemoConfig
  readonly rpc: Rpc | null
  readonly seen: SeenPanel
  /** @throws Error when nobody is logged in */
  readonly cloister: Cloister
  readonly subject: string
  /** Logs in, bound to a fresh client key, and verifies the enclave. */
  connect(signal: AbortSignal, open: (url: string) => boolean): Promise<void>
  /** @param options.forgetUser whoever logs in next may be somebody else */
  logOut(options?: { readonly forgetUser?: boolean }): void
  /** Puts a screen in the place of the one before. */
  show(screen: Screen): void
  /** Says something below the title, until the next screen. */
  tell(text: string, kind?: 'good' | 'bad'): void
  /** Does something that takes a while: says so, and what went wrong if it does. Resolves to `undefined` when it failed. */
  attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined>
  /** Time as the enclave attested it; this device's where there is none yet. */
  nowMs(): number
  /** A verified wallet, kept for the screens that follow. */
  wallet: Wallet | undefined
}

interface AppOptions {
  readonly config: DemoConfig
  readonly main: HTMLElement
  readonly progress: HTMLElement
  readonly seen: SeenPanel
  /** For errors that take the whole page: no trust, no login. */
  readonly onFatal: (error: unknown) => Screen
}

export function createApp({ config, main, progress, seen, onFatal }: AppOptions): App {
  let cloister: Cloister | undefined
  let subject = ''
  let channel: AttestedChannel | undefined
  let isFirst = true
  let loggedOut = false
  const notice = h('p', { class: 'notice', attributes: { role: 'status' } })

  function show({ title, content, header }: Screen): void {
    const heading = h('h1', { attributes: { tabindex: '-1' } }, title)
    tell('')
    main.replaceChildren(...present([header, heading, notice, ...content]))
    document.title = `${title} · Cloister`
    // Where the new screen begins, for keyboards and screen readers; the first one begins where any page does.
    if (!isFirst) heading.focus({ preventScroll: true })
    isFirst = false
    scrollTo({ top: 0 })
  }

  function tell(text: string, kind: 'good' | 'bad' = 'bad'): void {
    notice.className = `notice ${kind}`
    notice.setAttribute('role', kind === 'bad' ? 'alert' : 'status')
    notice.textContent = text
    notice.hidden = text === ''
  }

  return {
    config,
    rpc: config.chainUrl === null ? null : createRpc(config.chainUrl),
    seen,
    wallet: undefined,
    get cloister() {
      if (cloister === undefined) throw new Error('nobody is logged in')
      return cloister
    },
    get subject() {
      return subject
    },
    async connect(signal, open) {
      let asked = false
      const connected = await connect({
        url: config.apiUrl,
        trust: trustOf(config),
        fetch: observedFetch((exchange) => seen.exchanged(exchange)),
        async login({ nonce }) {
          // A window opens by a click alone: a login that has run out gets a screen with a button.
          if (asked) throw new CloisterError('token_expired')
          asked = true
          const token = await logIn({ config, nonce, signal, askAgain: loggedOut, open })
          loggedOut = false
          subject = subjectOf(token)
          return token
        },
      })
      channel = await connected.attest()
      cloister = connected
      seen.attested(channel, config, subject)
    },
    logOut({ forgetUser = false } = {}) {
      loggedOut = forgetUser
      // The key that this login was bound to goes with it.
      void cloister?.logOut()
      cloister = undefined
      this.wallet = undefined
      subject = ''
      seen.clear()
    },
    show,
    tell,
    async attempt(what, work) {
      tell('')
      progress.textContent = what
      main.setAttribute('aria-busy', 'true')
      try {
        const result = await work()
        // The SDK attests again by itself when it must; no request is made here.
        const now = await cloister?.attest()
        if (now !== undefined && now !== channel) seen.renewed((channel = now), config)
        return result
      } catch (error) {
        if (isCancelled(error)) return undefined
        if (isFatal(error)) show(onFatal(error))
        else tell(explain(error))
        return undefined
      } finally {
        progress.textContent = ''
        main.removeAttribute('aria-busy')
      }
    },
    nowMs: () => channel?.nowMs() ?? Date.now(),
  }
}

/** Nothing more can be done on this screen, nor on any other. */
function isFatal(error: unknown): boolean {
  const code = codeOf(error)
  return error instanceof CloisterError && code !== undefined && (code.startsWith('attestation_') || code.startsWith('token_'))
}
