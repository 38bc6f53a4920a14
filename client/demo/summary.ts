/** A summary as people read it: what happens first, everything else that is signed below. */
import type { Action, Summary } from '../../lib/chains/chain.ts'
import { formatEther } from './amounts.ts'
import { h } from './dom.ts'

const WARNINGS: Readonly<Record<string, string>> = {
  any_chain: 'This is valid on other networks as well.',
  unknown_typed_data: 'Nobody here knows what this kind of message does.',
  delegate_call: 'This runs code of somebody else’s in your account’s own name.',
  value_to_contract: 'This sends money along to a contract.',
  unlimited_approval: 'This lets somebody else take all of it, at any time.',
  contract_creation: 'This makes a new contract.',
  unknown_call: 'Nobody can tell what this call does.',
}

const NAMES: Readonly<Record<string, string>> = {
  from: 'From', to: 'To', amount: 'Amount', nonce: 'Nonce', gasLimit: 'Gas limit', maximumFee: 'Fee at most', maxFeePerGas: 'Fee per gas at most', maxPriorityFeePerGas: 'Tip per gas',
  chainId: 'Chain id', value: 'Value', data: 'Data', accessList: 'Access list',
}
const IN_WEI: ReadonlySet<string> = new Set(['maxFeePerGas', 'maxPriorityFeePerGas', 'gasPrice'])
const IN_ETHER: ReadonlySet<string> = new Set(['amount', 'value', 'maximumFee'])

export function summaryView({ actions, fields, warnings }: Summary): HTMLElement {
  return h('div', { class: 'summary' },
    ...warnings.map((warning) => h('p', { class: 'warning' }, WARNINGS[warning] ?? `Be careful: ${warning.replace(/_/g, ' ')}.`)),
    ...actions.map(actionView),
    fields['maximumFee'] === undefined ? null : list({ maximumFee: fields['maximumFee'] }),
    h('details', null, h('summary', null, 'Everything that is signed'), list(fields)))
}

function actionView({ action, fields }: Action): HTMLElement {
  const verb = action === 'transfer' ? 'Send' : action.replace(/_/g, ' ')
  return h('section', { class: 'action' }, h('h2', null, verb), list(fields))
}

function list(fields: Readonly<Record<string, string>>): HTMLElement {
  return h('dl', { class: 'facts wide' }, ...Object.entries(fields).flatMap(([name, value]) => [h('dt', null, NAMES[name] ?? name), h('dd', null, shown(name, value))]))
}

function shown(name: string, value: string): string {
  if (IN_WEI.has(name)) return `${value} wei`
  return IN_ETHER.has(name) && /^[0-9]+$/.test(value) ? `${formatEther(BigInt(value))} ETH` : value
}
