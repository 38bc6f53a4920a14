import { endpoint } from '../lib/http/endpoint.ts'
import { sealedOperation } from '../lib/http/operation.ts'
import { operationOf, walletOf } from '../lib/http/request.ts'

/** POST /v1/wallets/import and /v1/wallets/{id}/…: every sealed operation without a function of its own. */
export const handler = endpoint(async (event) => {
  const op = operationOf(event)
  return sealedOperation(event, { op, wallet: walletOf(event, op), status: op === 'import' ? 201 : 200 })
})
