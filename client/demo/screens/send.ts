import { toHex } from '../../../lib/protocol/bytes.ts'
import type { Wallet } from '../../connect.ts'
import { formatEther, parseEther, shortEther } from '../amounts.ts'
import type { App, Screen } from '../app.ts'
import { button, field, form, h, submitButton } from '../dom.ts'
import { withPin } from '../pin-dialog.ts'
import { balanceOf, CHAIN, sendRaw, type Mined, type Rpc } from '../rpc.ts'
import { summaryView } from '../summary.ts'
import { isAddress, prepareTransfer, type Transfer } from '../transfer.ts'
import { short } from '../words.ts'
import { etherAccount, home, walletBar } from './home.ts'
import { recoverScreen } from './recover.ts'

export function sendScreen(app: App, wallet: Wallet): Screen {
  const to = field({ label: 'To', hint: 'An Ethereum address.', attributes: { spellcheck: 'false', autocapitalize: 'off', placeholder: '0x…' } })
  const amount = field({ label: 'Amount in ETH', attributes: { inputmode: 'decimal', placeholder: '0.01' } })
  const submit = async (): Promise<void> => {
    const { rpc } = app
    const account = etherAccount(wallet)
    const recipient = to.input.value.trim()
    const wei = parseEther(amount.input.value)
    to.complain('')
    amount.complain('')
    if (!isAddress(recipient)) return to.complain('This is not an Ethereum address, or one of its characters is wrong.')
    if (wei === undefined) return amount.complain('Write the amount like 0.01, with a point.')
    if (rpc === null || account === undefined) return
    const { accounts, permissions } = wallet.last
    const transfer = await app.attempt('Asking the chain for fees …', () => prepareTransfer(rpc, { account, accounts, permissions, to: recipient, amount: wei }))
    const balance = transfer && (await app.attempt('Asking the chain for the balance …', () => balanceOf(rpc, account.address)))
    if (transfer === undefined || balance === undefined) return
    if (wei + transfer.maximumFee > balance) return amount.complain(`With the fee, that is more than the ${shortEther(balance)} ETH that are there.`)
    app.show(reviewScreen(app, wallet, rpc, transfer))
  }
  return {
    title: 'Send',
    header: walletBar(app, wallet, 'Wallet'),
    content: [form(() => void submit(), to.element, amount.element, h('div', { class: 'actions' }, submitButton('Review'), button('Back', 'quiet', () => void home(app, wallet))))],
  }
}

function reviewScreen(app: App, wallet: Wallet, rpc: Rpc, { data, summary, summaryHash, amount, to }: Transfer): Screen {
  const sign = async (): Promise<void> => {
    const detail = h('p', { class: 'dialog-detail' }, 'Send ', h('strong', null, `${formatEther(amount)} ETH`), ' to ', h('code', null, short(to, 8, 6)))
    const mined = await app.attempt('Signing and sending …', async () => {
      const { signatures } = await withPin(
        { title: 'Sign with your PIN', detail, op: 'sign', wallet, nowMs: app.nowMs, onForgotten: () => app.show(recoverScreen(app, wallet)) },
        (secrets) => wallet.sign([{ chain: CHAIN, kind: 'transaction', data, summary: summaryHash }], secrets))
      return sendRaw(rpc, `0x${toHex((signatures[0] as { signed: Uint8Array }).signed)}`)
    })
    if (mined !== undefined) app.show(sentScreen(app, wallet, amount, to, mined))
  }
  return {
    title: 'Is this right?',
    header: walletBar(app, wallet, 'Wallet'),
    content: [
      summaryView(summary),
      h('p', { class: 'hint' }, 'The enclave reads the transaction itself, and signs only what comes to this very summary.'),
      h('div', { class: 'actions' }, button('Sign with PIN', 'primary', () => void sign()), button('Back', 'quiet', () => app.show(sendScreen(app, wallet)))),
    ],
  }
}

function sentScreen(app: App, wallet: Wallet, amount: bigint, to: string, { hash, blockNumber, succeeded }: Mined): Screen {
  return {
    title: succeeded ? 'Sent' : 'The chain turned it down',
    header: walletBar(app, wallet, 'Wallet'),
    content: [
      h('section', { class: 'card' },
        h('p', { class: 'balance' }, formatEther(amount), h('span', { class: 'unit' }, ' ETH')),
        h('dl', { class: 'facts wide' },
          h('dt', null, 'To'), h('dd', null, to), h('dt', null, 'Transaction'), h('dd', null, hash), h('dt', null, 'Block'), h('dd', null, String(blockNumber)))),
      h('div', { class: 'actions' }, button('Done', 'primary', () => void home(app, wallet))),
    ],
  }
}
