import { endpoint, json } from '../lib/http/endpoint.ts'
import { afterParameter, bearerToken, walletId } from '../lib/http/request.ts'
import { toBase64url } from '../lib/protocol/bytes.ts'
import { theRelay } from '../lib/relay/relay.ts'
import { listReceipts } from '../lib/wallets/operate.ts'

/** GET /v1/wallets/{id}/receipts?after= */
export const handler = endpoint(async (event) => {
  const found = await listReceipts(theRelay().relay, bearerToken(event), walletId(event), afterParameter(event))
  return json({ receipts: found.map(({ sequence, sealed }) => ({ sequence, sealed: toBase64url(sealed) })) })
})
