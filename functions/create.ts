import { endpoint } from '../lib/http/endpoint.ts'
import { sealedOperation } from '../lib/http/operation.ts'

/** POST /v1/wallets */
export const handler = endpoint((event) => sealedOperation(event, { op: 'create', wallet: null, status: 201 }))
