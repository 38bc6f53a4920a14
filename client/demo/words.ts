/** Names that people know for the protocol's own. */
import type { Operation } from '../../lib/protocol/header.ts'

export const OPERATION_NAMES: Readonly<Record<Operation, string>> = {
  create: 'Wallet created',
  import: 'Wallet imported',
  view: 'Wallet shown',
  discover: 'Accounts looked up',
  addAccounts: 'Account added',
  rename: 'Renamed',
  delete: 'Deleted',
  restore: 'Restored',
  sign: 'Signed',
  changePin: 'PIN changed',
  verifyPin: 'PIN verified',
  recover: 'Recovered',
  renewRecovery: 'New recovery code',
  export: 'Exported',
  cancelExport: 'Export cancelled',
  history: 'History shown',
  enrolFactor: 'Second factor set up',
  confirmFactor: 'Second factor confirmed',
  removeFactor: 'Second factor removed',
}

/** What the sealed body of an operation holds: this app and the enclave read it, and nobody between them. */
export const SEALED_CONTENT: Readonly<Record<Operation, string>> = {
  create: 'the new PIN, the wallet’s name and what it permits',
  import: 'the secret, the new PIN, the wallet’s name and what it permits',
  view: 'the question, and this app’s proof of its key',
  discover: 'the PIN and the accounts’ paths',
  addAccounts: 'the PIN and the accounts’ paths',
  rename: 'the PIN and the new name',
  delete: 'the PIN',
  restore: 'the PIN',
  sign: 'the PIN, the transaction, and the hash of the summary that you read',
  changePin: 'both PINs',
  verifyPin: 'the PIN',
  recover: 'the recovery code and the new PIN',
  renewRecovery: 'the PIN',
  export: 'the PIN and what is to leave',
  cancelExport: 'the PIN',
  history: 'the question, and this app’s proof of its key',
  enrolFactor: 'the PIN and what the second factor guards',
  confirmFactor: 'the PIN and the one-time code',
  removeFactor: 'the PIN and the one-time code',
}

const CHAIN_NAMES: Readonly<Record<string, string>> = { eip155: 'Ethereum', solana: 'Solana', bip122: 'Bitcoin' }

export function chainName(namespace: string): string {
  return CHAIN_NAMES[namespace] ?? namespace
}

export function when(ms: number): string {
  return new Date(ms).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })
}

/** The ends of something long. */
export function short(text: string, start = 8, end = 6): string {
  return text.length <= start + end + 1 ? text : `${text.slice(0, start)}…${text.slice(-end)}`
}
