/**
 * `<cloister-pin-pad>`: where a PIN is typed. A web component without a framework, for any page.
 *
 * ```ts
 * definePinPad()
 * const pad = document.querySelector('cloister-pin-pad') as PinPadElement
 * const pin = await pad.request()   // bytes, handed out once
 * try { await wallet.sign(requests, { pin }) } finally { pin.fill(0) }
 * ```
 *
 * What is typed goes into one buffer of bytes and nowhere else: no input element, no string, no attribute. The page shows how many digits there are.
 *
 * Attributes: `label` (what is asked for), `submit-label`, `min` and `max` (digits; 4 and 12), `shuffled` (keys in another order each time, against
 * cameras and smudges). Custom properties: see style.ts.
 */
import { createDigits, type Digits } from './digits.ts'
import { describeGuesses, type Guesses } from './guesses.ts'
import { ORDERED_DIGITS, shuffledDigits } from './shuffle.ts'
import { PIN_PAD_STYLE } from './style.ts'

export interface PinPadElement extends HTMLElement {
  /** How many digits are typed. */
  readonly count: number
  /** Shown below the dots; while `lockedUntilMs` is to come, the keys are off and it counts down. */
  guesses: Guesses | null
  /** The time that `lockedUntilMs` is compared with: give the attested one (`AttestedChannel.nowMs`) where device clocks are wrong. */
  nowMs: () => number
  /**
   * Resolves with the PIN in ASCII once it is confirmed, and keeps no copy: wipe it when used. An earlier request that is still waiting ends.
   * @throws DOMException `AbortError` when the signal says so, the pad leaves the page, or is asked anew
   */
  request(options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
  /** Wipes what is typed. */
  clear(): void
}

export const PIN_PAD_TAG = 'cloister-pin-pad'
const DEFAULT_MIN = 4
const DEFAULT_MAX = 12
const LIMIT = 64
const COLUMNS = 3

interface Waiting {
  readonly resolve: (pin: Uint8Array) => void
  readonly reject: (reason: unknown) => void
}

/** Makes the element known to this document. May be called again. */
export function definePinPad(): void {
  if (customElements.get(PIN_PAD_TAG) === undefined) customElements.define(PIN_PAD_TAG, pinPadClass())
}

/** Inside a function: where there is no DOM (a server that renders) importing this file must not fail. */
function pinPadClass(): CustomElementConstructor {
  return class extends HTMLElement implements PinPadElement {
    nowMs: () => number = Date.now
    #digits: Digits = createDigits(DEFAULT_MAX)
    #guesses: Guesses | null = null
    #locked = false
    #waiting: Waiting | undefined
    #timer: ReturnType<typeof setInterval> | undefined
    readonly #group = document.createElement('div')
    readonly #dots = document.createElement('div')
    readonly #notice = document.createElement('p')
    readonly #status = document.createElement('p')
    readonly #keys = document.createElement('div')
    readonly #onPageHide = (): void => this.clear()

    constructor() {
      super()
      const root = this.attachShadow({ mode: 'open', delegatesFocus: true })
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(PIN_PAD_STYLE)
      root.adoptedStyleSheets = [sheet]
      this.#group.className = 'pad'
      this.#group.tabIndex = 0
      this.#group.setAttribute('role', 'group')
      this.#dots.className = 'dots'
      this.#dots.setAttribute('aria-hidden', 'true')
      this.#notice.className = 'notice'
      // Read on demand; a countdown that speaks each second would drown everything else.
      this.#notice.setAttribute('role', 'timer')
      this.#status.className = 'hidden'
      this.#status.setAttribute('role', 'status')
      this.#keys.className = 'keys'
      this.#group.append(this.#dots, this.#notice, this.#keys, this.#status)
      this.#group.addEventListener('keydown', (event) => this.#onKey(event))
      // A pressed key takes no focus: else the document would say which was the last digit.
      this.#keys.addEventListener('pointerdown', (event) => event.preventDefault())
      root.append(this.#group)
    }

    connectedCallback(): void {
      const { min, max } = this.#range()
      this.#digits.wipe()
      this.#digits = createDigits(max)
      this.#group.setAttribute('aria-label', `${this.getAttribute('label') ?? 'PIN'}, ${min} to ${max} digits`)
      this.#build()
      this.#refresh('')
      this.#watchLock()
      window.addEventListener('pagehide', this.#onPageHide)
    }

    disconnectedCallback(): void {
      clearInterval(this.#timer)
      window.removeEventListener('pagehide', this.#onPageHide)
      this.#digits.wipe()
      this.#end(new DOMException('The PIN pad is gone', 'AbortError'))
    }

    get count(): number {
      return this.#digits.count
    }

    get guesses(): Guesses | null {
      return this.#guesses
    }

    set guesses(guesses: Guesses | null) {
      this.#guesses = guesses
      this.#refresh(describeGuesses(guesses, this.nowMs()).spoken)
      this.#watchLock()
    }

    request({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
      this.#end(new DOMException('The PIN is asked for anew', 'AbortError'))
      this.#digits.wipe()
      if (this.hasAttribute('shuffled')) this.#build()
      this.#refresh('')
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const waiting: Waiting = { resolve, reject }
        this.#waiting = waiting
        signal?.addEventListener('abort', () => {
          if (this.#waiting !== waiting) return
          this.clear()
          this.#end(signal.reason)
        }, { once: true })
      })
    }

    clear(): void {
      this.#digits.wipe()
      this.#refresh(countWords(0))
    }

    override focus(options?: FocusOptions): void {
      this.#group.focus(options)
    }

    #range(): { readonly min: number; readonly max: number } {
      const given = (name: string, otherwise: number): number => {
        const value = Number(this.getAttribute(name) ?? otherwise)
        return Number.isInteger(value) && value > 0 && value <= LIMIT ? value : otherwise
      }
      const min = given('min', DEFAULT_MIN)
      return { min, max: Math.max(min, given('max', DEFAULT_MAX)) }
    }

    #build(): void {
      const digits = this.hasAttribute('shuffled') ? shuffledDigits() : ORDERED_DIGITS
      const keys = digits.map((digit) => key(String(digit), '', () => this.#type(digit)))
      const back = key('⌫', 'action', () => this.#back())
      back.setAttribute('aria-label', 'Delete the last digit')
      const submit = key(this.getAttribute('submit-label') ?? 'OK', 'action submit', () => this.#submit())
      this.#keys.replaceChildren(...keys.slice(0, 9), back, keys[9] as HTMLElement, submit)
    }

    #type(digit: number): void {
      if (!this.#locked && this.#digits.add(digit)) this.#refresh(countWords(this.#digits.count))
    }

    #back(): void {
      this.#digits.removeLast()
      this.#refresh(countWords(this.#digits.count))
    }

    #submit(): void {
      if (this.#locked || this.#waiting === undefined || this.#digits.count < this.#range().min) return
      const { resolve } = this.#waiting
      this.#waiting = undefined
      resolve(this.#digits.take())
      this.#refresh('')
    }

    #end(reason: unknown): void {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.reject(reason)
    }

    #onKey(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const onKey = this.shadowRoot?.activeElement instanceof HTMLButtonElement
      if (/^[0-9]$/.test(event.key)) this.#type(Number(event.key))
      else if (event.key === 'Backspace') this.#back()
      // On a key, Enter presses that key.
      else if (event.key === 'Enter' && !onKey) this.#submit()
      else if (!this.#move(event.key)) return
      event.preventDefault()
    }

    /** Arrows walk over the keys as they lie. */
    #move(name: string): boolean {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[name]
      if (step === undefined) return false
      const keys = [...this.#keys.children] as HTMLButtonElement[]
      const at = keys.findIndex((one) => one === this.shadowRoot?.activeElement)
      const next = keys[at < 0 ? 0 : at + step]
      if (next !== undefined && !next.disabled) next.focus()
      return true
    }

    #watchLock(): void {
      clearInterval(this.#timer)
      if (!this.#locked || !this.isConnected) return
      this.#timer = setInterval(() => {
        const wasLocked = this.#locked
        this.#refresh()
        if (!wasLocked || this.#locked) return
        clearInterval(this.#timer)
        this.#refresh('You can try again.')
      }, 1000)
    }

    /** @param spoken what screen readers are told; left out: nothing new */
    #refresh(spoken?: string): void {
      const { locked, text } = describeGuesses(this.#guesses, this.nowMs())
      if (locked) this.#digits.wipe()
      this.#locked = locked
      this.#notice.textContent = text
      if (spoken !== undefined) this.#status.textContent = spoken
      const { min, max } = this.#range()
      const shown = Math.min(max, Math.max(min, this.#digits.count))
      this.#dots.replaceChildren(...Array.from({ length: shown }, (_, index) => dot(index < this.#digits.count)))
      for (const one of this.#keys.querySelectorAll('button')) {
        one.disabled = locked || (one.classList.contains('submit') && this.#digits.count < min)
      }
    }
  }
}

function key(text: string, look: string, press: () => void): HTMLButtonElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = look
  button.textContent = text
  button.addEventListener('click', press)
  return button
}

function dot(filled: boolean): HTMLElement {
  const element = document.createElement('span')
  element.className = filled ? 'dot filled' : 'dot'
  return element
}

const countWords = (count: number): string => (count === 0 ? 'No digits entered' : `${count} ${count === 1 ? 'digit' : 'digits'} entered`)
