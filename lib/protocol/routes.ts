/** Where each sealed operation is posted to: the URL says the operation and the wallet once more, and the sealed header must say the same. */
import { OPERATIONS, type Operation } from './header.ts'

/** Last segment of `/v1/wallets/{id}/…`; the two that make a wallet have none to name. */
const SEGMENTS: Readonly<Record<Exclude<Operation, 'create' | 'import'>, string>> = {
  view: 'view',
  discover: 'discover',
  addAccounts: 'accounts',
  rename: 'rename',
  delete: 'delete',
  restore: 'restore',
  sign: 'sign',
  changePin: 'change-pin',
  verifyPin: 'verify-pin',
  recover: 'recover',
  renewRecovery: 'renew-recovery',
  export: 'export',
  cancelExport: 'cancel-export',
  history: 'history',
  enrolFactor: 'enrol-factor',
  confirmFactor: 'confirm-factor',
  removeFactor: 'remove-factor',
}

/** API Gateway's path of an operation, `{id}` for the wallet's. */
export function routeOf(op: Operation): string {
  if (op === 'create') return '/v1/wallets'
  if (op === 'import') return '/v1/wallets/import'
  return `/v1/wallets/{id}/${SEGMENTS[op]}`
}

/** The operation of a path as {@link routeOf} writes it. */
export function operationAt(route: string): Operation | undefined {
  return OPERATIONS.find((op) => routeOf(op) === route)
}
