/** The relay's client for one enclave: CBOR over HTTP, each call under a deadline. */
import { Agent } from 'node:http'
import { CloisterError } from '../protocol/errors.ts'
import { decodeHealth, type EnclavePhase } from '../protocol/operator.ts'
import {
  decodeChannelOffer,
  decodeChannels,
  decodeServiceAnswer,
  encodeAttestRequest,
  encodeServiceRequest,
  type ChannelOffer,
  type ServiceAnswer,
  type ServiceRequest,
} from '../protocol/service.ts'
import { route, send } from './transport.ts'

/** A signature waits its turn behind others; the API's own limit is 30 s. */
const REQUEST_TIMEOUT_MS = 20_000
const ATTEST_TIMEOUT_MS = 5_000

export interface EnclaveClient {
  /** Where it is; for the directory, never for answers. */
  readonly url: string
  attest(nonce: Uint8Array): Promise<ChannelOffer>
  channels(): Promise<readonly Uint8Array[]>
  request(message: ServiceRequest): Promise<ServiceAnswer>
  /** `undefined` when it does not answer. */
  phase(): Promise<EnclavePhase | undefined>
}

/**
 * @param url `http://host:port`, or `unix:/path` of a socket, for an enclave that has no network
 * @throws CloisterError from each call: `unavailable` when there is no answer, or none that can be read
 */
export function createEnclaveClient(url: string): EnclaveClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })

  async function call<T>(method: string, path: string, body: Uint8Array | null, timeoutMs: number, decode: (answer: Uint8Array) => T | undefined): Promise<T> {
    const answer = await send({ ...route(url, path), agent, method }, body, timeoutMs)
    const decoded = answer === undefined ? undefined : decode(answer.body)
    if (decoded === undefined) throw new CloisterError('unavailable', { retryAfterSec: 2 })
    return decoded
  }

  return {
    url,
    attest: (nonce) => call('POST', '/v1/attest', encodeAttestRequest(nonce), ATTEST_TIMEOUT_MS, decodeChannelOffer),
    channels: () => call('GET', '/v1/channels', null, ATTEST_TIMEOUT_MS, decodeChannels),
    request: (message) => call('POST', '/v1/request', encodeServiceRequest(message), REQUEST_TIMEOUT_MS, decodeServiceAnswer),
    async phase() {
      const answer = await send({ ...route(url, '/v1/health'), agent, method: 'GET' }, null, ATTEST_TIMEOUT_MS)
      return answer === undefined ? undefined : decodeHealth(answer.body)
    },
  }
}
