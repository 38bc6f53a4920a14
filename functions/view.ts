import { endpoint } from '../lib/http/endpoint.ts'
import { sealedOperation } from '../lib/http/operation.ts'
import { walletId } from '../lib/http/request.ts'

/** POST /v1/wallets/{id}/view */
export const handler = endpoint(async (event) => sealedOperation(event, { op: 'view', wallet: walletId(event), status: 200 }))
