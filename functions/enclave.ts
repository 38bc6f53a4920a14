import { endpoint, json } from '../lib/http/endpoint.ts'
import { nonceParameter } from '../lib/http/request.ts'
import { toBase64url } from '../lib/protocol/bytes.ts'
import { theRelay } from '../lib/relay/relay.ts'

/** GET /v1/enclave?nonce= */
export const handler = endpoint(async (event) => {
  const { document, key } = await theRelay().relay.directory.offer(nonceParameter(event))
  return json({ attestation: toBase64url(document), key: toBase64url(key) })
})
