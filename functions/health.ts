import { endpoint, json } from '../lib/http/endpoint.ts'
import { theRelay } from '../lib/relay/relay.ts'

/** GET /v1/health: whether an enclave serves, and which phase the furthest of them is in. */
export const handler = endpoint(async () => {
  const phase = (await theRelay().relay.directory.phase()) ?? 'away'
  if (phase === 'serving') return json({ status: 'ok', phase })
  return json({ status: 'unavailable', phase }, 503, { 'retry-after': '5' })
})
