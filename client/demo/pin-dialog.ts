/** Where the page asks for PINs: a dialog around the pad. What was typed goes to whoever asked, and is wiped when they are done. */
import { equal, wipe } from '../../lib/protocol/bytes.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { definePinPad, PIN_PAD_TAG, type PinPadElement } from '../pin-pad/pin-pad.ts'
import type { Wallet } from '../connect.ts'
import { CloisterError } from '../connect.ts'
import { button, h, type Child } from './dom.ts'
import { isEasy } from './easy-pins.ts'

interface PinAsk {
  readonly title: string
  /** What it is for, in the dialog: a summary before a signature. */
  readonly detail?: Child
  readonly op: Operation
  readonly wallet: Wallet
  /** Ask for a one-time code whatever the wallet says. */
  readonly withCode?: boolean
  readonly nowMs: () => number
  /** Offered where there is a recovery code. */
  readonly onForgotten?: () => void
}

export interface Secrets {
  readonly pin: Uint8Array
  readonly otp?: string
}

/**
 * Asks for the PIN, and again after a wrong one, with what the enclave says is left; asks for a one-time code where one is needed.
 * @throws DOMException `AbortError` when its user changes their mind; what `use` throws, but for wrong PINs and locks
 */
export async function withPin<T>({ title, detail, op, wallet, withCode, nowMs, onForgotten }: PinAsk, use: (secrets: Secrets) => Promise<T>): Promise<T> {
  const dialog = openDialog(title, detail)
  if (wallet.last.recoveryMadeAtMs !== null && onForgotten !== undefined) {
    dialog.addAction('Forgot the PIN?', () => {
      dialog.cancel()
      onForgotten()
    })
  }
  const factor = wallet.last.factor
  let needsCode = withCode === true || (factor?.confirmed === true && factor.operations.includes(op))
  let guesses: PinPadElement['guesses'] = wallet.last
  let message = ''
  try {
    for (;;) {
      const pad = dialog.pad('PIN', { guesses, nowMs, message })
      const pin = await pad.request({ signal: dialog.signal })
      try {
        const otp = needsCode ? await askCode(dialog) : undefined
        dialog.busy('Waiting for the enclave …')
        return await use({ pin, ...(otp === undefined ? {} : { otp }) })
      } catch (error) {
        if (!(error instanceof CloisterError)) throw error
        if (error.code === 'code_required') needsCode = true
        else if (error.code !== 'pin_wrong' && error.code !== 'wallet_locked') throw error
        guesses = error.guesses ?? guesses
        message = error.code === 'code_required' ? 'A one-time code is needed as well.' : error.code === 'pin_wrong' ? (needsCode ? 'Wrong PIN or code.' : 'Wrong PIN.') : ''
      } finally {
        wipe(pin)
      }
    }
  } finally {
    dialog.close()
  }
}

async function askCode(dialog: Dialog): Promise<string> {
  const code = await dialog.pad('One-time code', { digits: 6, message: 'Six digits from your authenticator app.', isHint: true }).request({ signal: dialog.signal })
  try {
    return String.fromCharCode(...code)
  } finally {
    wipe(code)
  }
}

/** A new PIN, typed twice; the caller's to wipe. @throws DOMException `AbortError` */
export async function choosePin(title: string): Promise<Uint8Array> {
  const dialog = openDialog(title, h('p', { class: 'hint' }, '4 to 12 digits. Six or more are better; birthdays are worse.'))
  let message = ''
  try {
    for (;;) {
      const pin = await dialog.pad('New PIN', { message }).request({ signal: dialog.signal })
      if (isEasy(pin)) {
        wipe(pin)
        message = 'That PIN is among the first that anybody would try.'
        continue
      }
      try {
        const again = await dialog.pad('New PIN once more', { message: 'Type it once more.', isHint: true }).request({ signal: dialog.signal })
        const same = equal(pin, again)
        wipe(again)
        if (same) return pin.slice()
        message = 'These were two different PINs. Choose again.'
      } finally {
        wipe(pin)
      }
    }
  } finally {
    dialog.close()
  }
}

interface PadOptions {
  readonly guesses?: PinPadElement['guesses']
  readonly nowMs?: () => number
  readonly message?: string
  /** The message is no complaint. */
  readonly isHint?: boolean
  readonly digits?: number
}

interface Dialog {
  readonly signal: AbortSignal
  /** A fresh pad, empty, in the place of the one before. */
  pad(label: string, options: PadOptions): PinPadElement
  busy(text: string): void
  addAction(label: string, run: () => void): void
  cancel(): void
  close(): void
}

let dialogs = 0

function openDialog(title: string, detail: Child): Dialog {
  definePinPad()
  const abort = new AbortController()
  const cancel = (): void => abort.abort(new DOMException('Cancelled', 'AbortError'))
  const id = `dialog-${++dialogs}`
  const message = h('p', { class: 'dialog-message', attributes: { role: 'alert' } })
  const place = h('div', { class: 'pad-place' })
  const actions = h('div', { class: 'dialog-actions' }, button('Cancel', 'quiet', cancel))
  const prompt = h('p', { class: 'dialog-prompt' })
  const element = h('dialog', { class: 'dialog', attributes: { 'aria-labelledby': id } }, h('h2', { id }, title), detail, prompt, message, place, actions)
  element.addEventListener('cancel', (event) => {
    event.preventDefault()
    cancel()
  })
  const before = document.activeElement
  document.body.append(element)
  element.showModal()
  return {
    signal: abort.signal,
    pad(label, { guesses = null, nowMs = Date.now, message: text = '', isHint = false, digits }) {
      const pad = document.createElement(PIN_PAD_TAG) as PinPadElement
      pad.setAttribute('label', label)
      pad.setAttribute('shuffled', '')
      if (digits !== undefined) for (const name of ['min', 'max']) pad.setAttribute(name, String(digits))
      prompt.textContent = label
      message.textContent = text
      message.classList.toggle('hint-message', isHint)
      place.replaceChildren(pad)
      element.removeAttribute('aria-busy')
      pad.nowMs = nowMs
      pad.guesses = guesses
      pad.focus()
      return pad
    },
    busy(text) {
      message.textContent = ''
      prompt.textContent = text
      element.setAttribute('aria-busy', 'true')
    },
    addAction(label, run) {
      actions.prepend(button(label, 'quiet', run))
    },
    cancel,
    close() {
      element.close()
      element.remove()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    },
  }
}
