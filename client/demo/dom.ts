/** Elements without a framework. Text becomes text nodes, never markup: with Trusted Types on, there is no other way in. */
export type Child = Node | string | null | undefined | false

interface Options {
  readonly class?: string
  readonly id?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly on?: Readonly<Record<string, (event: Event) => void>>
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, options: Options | null, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (options?.class !== undefined) element.className = options.class
  if (options?.id !== undefined) element.id = options.id
  for (const [name, value] of Object.entries(options?.attributes ?? {})) element.setAttribute(name, value)
  for (const [name, listener] of Object.entries(options?.on ?? {})) element.addEventListener(name, listener)
  element.append(...present(children))
  return element
}

export function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false)
}

export type ButtonLook = 'primary' | 'quiet' | 'danger'

export function button(label: string, look: ButtonLook, onClick: () => void): HTMLButtonElement {
  return h('button', { class: `button ${look}`, attributes: { type: 'button' }, on: { click: onClick } }, label)
}

interface FieldOptions {
  readonly label: string
  readonly hint?: string
  readonly value?: string
  readonly attributes?: Readonly<Record<string, string>>
  /** Lines; one when absent. */
  readonly rows?: number
}

interface Field {
  readonly element: HTMLElement
  readonly input: HTMLInputElement | HTMLTextAreaElement
  /** Shows what is wrong, or, with '', that nothing is. */
  complain(message: string): void
}

let fields = 0

/** A labelled input; what is wrong with it is said beside it, and to screen readers. */
export function field({ label, hint = '', value = '', attributes = {}, rows }: FieldOptions): Field {
  const id = `field-${++fields}`
  const shared = { id, attributes: { autocomplete: 'off', 'aria-describedby': `${id}-hint ${id}-error`, ...attributes } }
  const input = rows === undefined ? h('input', shared) : h('textarea', { ...shared, attributes: { ...shared.attributes, rows: String(rows) } })
  input.value = value
  const error = h('p', { class: 'field-error', id: `${id}-error`, attributes: { role: 'alert' } })
  const element = h('div', { class: 'field' }, h('label', { attributes: { for: id } }, label), input, h('p', { class: 'hint', id: `${id}-hint` }, hint), error)
  return {
    element,
    input,
    complain(message) {
      error.textContent = message
      input.setAttribute('aria-invalid', String(message !== ''))
      if (message !== '') input.focus()
    },
  }
}

export function checkbox(label: string, checked: boolean): { readonly element: HTMLElement; readonly input: HTMLInputElement } {
  const input = h('input', { attributes: { type: 'checkbox' } })
  input.checked = checked
  return { element: h('label', { class: 'check' }, input, h('span', null, label)), input }
}

/** A form that is never posted anywhere: `submit` runs here. */
export function form(onSubmit: () => void, ...children: readonly Child[]): HTMLFormElement {
  const element = h('form', { class: 'stack', attributes: { novalidate: '' } }, ...children)
  element.addEventListener('submit', (event) => {
    event.preventDefault()
    onSubmit()
  })
  return element
}

export function submitButton(label: string): HTMLButtonElement {
  return h('button', { class: 'button primary', attributes: { type: 'submit' } }, label)
}
