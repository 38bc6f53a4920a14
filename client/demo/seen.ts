/** The panel beside the wallet: what each party saw of the last request, with the real bytes, and why the enclave is believed. */
import { toHex } from '../../lib/protocol/bytes.ts'
import type { AttestedChannel } from '../trust.ts'
import type { DemoConfig } from './config.ts'
import { h, present, type Child } from './dom.ts'
import type { Exchange } from './observe.ts'
import { OPERATION_NAMES, SEALED_CONTENT, short, when } from './words.ts'

export interface SeenPanel {
  readonly element: HTMLElement
  attested(channel: AttestedChannel, config: DemoConfig, subject: string): void
  /** Attested again, in mid-session: a new key, or another enclave. */
  renewed(channel: AttestedChannel, config: DemoConfig): void
  exchanged(exchange: Exchange): void
  /** The enclave is not believed. */
  refused(reason: string): void
  clear(): void
}

const SHOWN_BYTES = 64
const PCRS = [['pcr0', 'image'], ['pcr1', 'kernel'], ['pcr2', 'application'], ['pcr16', 'configuration']] as const

export function createSeenPanel(): SeenPanel {
  const app = h('div', { class: 'party-body' })
  const relay = h('div', { class: 'party-body' })
  const enclave = h('div', { class: 'party-body' })
  const details = h('details', { class: 'seen' },
    h('summary', null, h('h2', null, 'Who saw what')),
    party('This app', 'your device', app), party('The relay', 'cloud functions and database', relay), party('The enclave', 'attested hardware; here, a simulator', enclave))
  // Beside the wallet where there is room for it, folded below it on a telephone.
  details.open = matchMedia('(min-width: 60rem)').matches
  let subject = ''

  function clear(): void {
    subject = ''
    app.replaceChildren(h('p', null, 'Nothing so far.'))
    relay.replaceChildren(h('p', null, 'Nothing so far.'))
    enclave.replaceChildren(h('p', null, 'Not verified yet. Nothing is sealed before it is.'))
  }
  clear()

  return {
    element: details,
    clear,
    attested(channel, config, who) {
      subject = who
      enclave.replaceChildren(...present(attestation(channel, config)))
      app.replaceChildren(h('p', null, 'Your login, and a key of its own that never leaves this browser.'))
      relay.replaceChildren(facts([['who', subject], ['what', 'asked for an attestation']]))
    },
    renewed(channel, config) {
      enclave.replaceChildren(...present(attestation(channel, config)))
    },
    exchanged(exchange) {
      const { op, wallet, key, enc, ciphertext, answer, status } = exchange
      app.replaceChildren(h('p', null, h('strong', null, OPERATION_NAMES[op]), `${status < 400 ? '' : ' (refused)'}: ${SEALED_CONTENT[op]}.`))
      relay.replaceChildren(
        facts([['who', subject], ['operation', op], ['wallet', short(wallet, 8, 4)], ['channel key', short(toHex(key), 8, 4)], ['status', String(status)]]),
        bytes('encapsulated key', enc), bytes('request, sealed', ciphertext), bytes('answer, sealed', answer))
    },
    refused(reason) {
      enclave.replaceChildren(h('p', { class: 'bad-line' }, h('span', { class: 'mark', attributes: { 'aria-hidden': 'true' } }, '✕'), ` Refused. ${reason}`))
    },
  }
}

function party(name: string, where: string, body: HTMLElement): HTMLElement {
  return h('section', { class: 'party' }, h('h3', null, name, h('span', { class: 'where' }, ` ${where}`)), body)
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  return h('dl', { class: 'facts' }, ...rows.flatMap(([name, value]) => [h('dt', null, name), h('dd', null, value)]))
}

function bytes(name: string, content: Uint8Array): HTMLElement {
  const rest = content.length > SHOWN_BYTES ? '…' : ''
  return h('div', { class: 'bytes' }, h('p', null, `${name}, ${content.length} bytes`), h('code', null, `${toHex(content.subarray(0, SHOWN_BYTES))}${rest}`))
}

/** The policy accepted a set as a whole; each is compared here once more, so that a tick says what it seems to. */
function attestation(channel: AttestedChannel, { measurements }: DemoConfig): readonly Child[] {
  const pinned = measurements.find(({ pcr0 }) => pcr0 === channel.measurements.pcr0)
  const rows = PCRS.map(([name, what]) => {
    const value = channel.measurements[name]
    const matches = pinned?.[name] === value
    return h('li', { class: matches ? 'good-line' : 'bad-line' },
      h('span', { class: 'mark', attributes: { 'aria-hidden': 'true' } }, matches ? '✓' : '✕'),
      h('span', null, `${name.toUpperCase()} ${what} `, h('code', null, `${value.slice(0, 12)}…`), h('span', { class: 'hidden' }, matches ? ' matches what is pinned' : ' differs from what is pinned')))
  })
  const signed = h('li', { class: 'good-line' }, h('span', { class: 'mark', attributes: { 'aria-hidden': 'true' } }, '✓'), h('span', null, 'signed under the pinned root, for this request’s nonce'))
  return [
    h('p', null, 'Opens what is sealed to it, for one request, and keeps nothing.'),
    h('ul', { class: 'checks' }, signed, ...rows),
    facts([['module', short(channel.moduleId, 12, 6)], ['channel key', short(toHex(channel.key), 8, 4)], ['attested', when(channel.nowMs())]]),
  ]
}
