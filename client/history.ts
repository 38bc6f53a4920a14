/** A wallet's receipts: fetched, opened, and verified to be all there are. */
import { equal } from '../lib/protocol/bytes.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import type { HistoryKey } from '../lib/protocol/lifecycle.ts'
import { FIRST_PREVIOUS, openReceipt, openStoredReceipt, receiptHash, type Receipt } from '../lib/protocol/receipt.ts'
import type { ReceiptsHead } from '../lib/protocol/wallet-view.ts'
import type { Deadline } from './deadline.ts'
import { fetchReceipts, type Api } from './http.ts'

/**
 * Verifies a whole history, offline: every receipt signed by the wallet's receipt key, in order from the first, each bound to the one before, up to the
 * head that the enclave named. Whatever was dropped, altered, added or reordered is found.
 * @param receipts COSE_Sign1, oldest first
 * @param head from a `view` that the enclave sealed
 * @throws CloisterError `history_invalid`
 */
export async function verifyHistory(receipts: readonly Uint8Array[], wallet: string, head: ReceiptsHead): Promise<readonly Receipt[]> {
  const found: Receipt[] = []
  let previous = FIRST_PREVIOUS
  for (const bytes of receipts) {
    const receipt = await openReceipt(bytes, head.key)
    if (receipt === undefined || receipt.wallet !== wallet || receipt.sequence !== found.length + 1 || !equal(receipt.previous, previous)) {
      throw new CloisterError('history_invalid')
    }
    found.push(receipt)
    previous = await receiptHash(bytes)
  }
  if (found.length !== head.count || !equal(previous, head.head)) throw new CloisterError('history_invalid')
  return found
}

/** Reads the stored receipts, puts those after them from the enclave's own answer, and verifies the whole. @throws CloisterError `history_invalid` */
export async function fetchHistory(api: Api, token: string, { view, key, tail }: HistoryKey, deadline: Deadline = {}): Promise<readonly Receipt[]> {
  const { wallet, receipts: head } = view
  const stored = head.count - tail.length
  const receipts: Uint8Array[] = []
  while (receipts.length < stored) {
    const page = await fetchReceipts(api, token, wallet, receipts.length, deadline)
    if (page.length === 0) throw new CloisterError('history_invalid')
    for (const { sequence, sealed } of page) {
      // What the table holds of the tail is the enclave's to tell.
      if (receipts.length === stored) break
      const receipt = sequence === receipts.length + 1 ? await openStoredReceipt(key, wallet, sequence, sealed) : undefined
      if (receipt === undefined) throw new CloisterError('history_invalid')
      receipts.push(receipt)
    }
  }
  return verifyHistory([...receipts, ...tail], wallet, head)
}
