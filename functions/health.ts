import { endpoint, json } from '../lib/http/endpoint.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import { theRelay } from '../lib/relay/relay.ts'

/** GET /v1/health: whether an enclave serves. */
export const handler = endpoint(async () => {
  if (!(await theRelay().relay.directory.isServing())) throw new CloisterError('unavailable', { retryAfterSec: 5 })
  return json({ status: 'ok' })
})
