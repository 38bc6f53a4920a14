import { endpoint, json } from '../lib/http/endpoint.ts'
import { bearerToken } from '../lib/http/request.ts'
import { theRelay } from '../lib/relay/relay.ts'
import { listWallets } from '../lib/wallets/operate.ts'

/** GET /v1/wallets */
export const handler = endpoint(async (event) => json({ wallets: await listWallets(theRelay().relay, bearerToken(event)) }))
