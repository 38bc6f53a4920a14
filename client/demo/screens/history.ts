import type { Wallet } from '../../connect.ts'
import { toHex } from '../../../lib/protocol/bytes.ts'
import type { Receipt } from '../../../lib/protocol/receipt.ts'
import type { App } from '../app.ts'
import { h } from '../dom.ts'
import { OPERATION_NAMES, short, when } from '../words.ts'
import { walletBar } from './home.ts'

/** Every receipt, newest first; shown only when all of them verify. */
export async function historyScreen(app: App, wallet: Wallet): Promise<void> {
  app.show({ title: 'History', header: walletBar(app, wallet, 'History'), content: [] })
  const receipts = await app.attempt('Verifying every receipt …', () => app.cloister.history(wallet))
  if (receipts === undefined) return
  const verified = h('p', { class: 'badge' }, h('span', { class: 'mark', attributes: { 'aria-hidden': 'true' } }, '✓'), ` ${receipts.length} of ${receipts.length} receipts verified`)
  app.show({
    title: 'History',
    header: walletBar(app, wallet, 'History'),
    content: [
      verified,
      h('ol', { class: 'rows', attributes: { reversed: '' } }, ...[...receipts].reverse().map(receiptRow)),
      h('p', { class: 'hint' }, 'The enclave signed each receipt and chained it to the one before: none is missing, altered or out of order.'),
    ],
  })
}

function receiptRow({ sequence, atMs, op, failed, signatures }: Receipt): HTMLElement {
  const hashes = signatures.map(({ hash }) => h('code', { class: 'address' }, `0x${short(toHex(hash), 16, 8)}`))
  return h('li', { class: 'receipt' },
    h('div', null, h('strong', null, OPERATION_NAMES[op]), h('span', { class: 'row-detail' }, ` ${when(atMs)}`), ...hashes,
      failed > 0 ? h('p', { class: 'warning' }, `${failed} wrong ${failed === 1 ? 'PIN' : 'PINs'} before this`) : null),
    h('span', { class: 'row-detail' }, `#${sequence}`))
}
