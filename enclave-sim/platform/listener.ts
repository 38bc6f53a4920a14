/**
 * HTTP on the enclave's two doors: `service` for the relay, `host` for the parent. Operators' commands come in by the former, on paths that no
 * route of the public API leads to: they deny service at most, which the relay can anyway. Both are UNIX or VSOCK-forwarded sockets on Nitro.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { CloisterError } from '../../lib/protocol/errors.ts'
import {
  decodeAttestRequest,
  decodeServiceRequest,
  encodeChannelOffer,
  encodeChannels,
  encodeServiceAnswer,
  MAX_SERVICE_BYTES,
  type ServiceAnswer,
} from '../../lib/protocol/service.ts'
import { object } from '../../lib/protocol/fields.ts'
import { decodeRotate, MAX_OPERATOR_BYTES, parseJson } from '../../lib/protocol/operator.ts'
import type { Enclave } from '../core/enclave.ts'
import { readCredentials, type CredentialSource } from './credentials.ts'

type Reply = { readonly status: number; readonly body: Uint8Array; readonly type: string }
type Route = (body: Uint8Array) => Promise<Reply> | Reply

const cbor = (body: Uint8Array): Reply => ({ status: 200, body, type: 'application/cbor' })
const json = (value: unknown, status = 200): Reply => ({ status, body: Buffer.from(JSON.stringify(value)), type: 'application/json' })
const refusal = (answer: ServiceAnswer, status: number): Reply => ({ ...cbor(encodeServiceAnswer(answer)), status })
const MALFORMED = refusal({ outcome: 'not_tried', code: 'request_malformed', retryAfterSec: null }, 400)
const NOT_FOUND = json({ error: 'not_found' }, 404)

export function createServiceDoor(enclave: Enclave): Server {
  return serve({
    'POST /v1/request': async (body) => {
      const message = decodeServiceRequest(body)
      return message === undefined ? MALFORMED : cbor(encodeServiceAnswer(await enclave.handle(message)))
    },
    'POST /v1/attest': async (body) => {
      const nonce = decodeAttestRequest(body)
      return nonce === undefined ? MALFORMED : cbor(encodeChannelOffer(await enclave.offer(nonce)))
    },
    'GET /v1/channels': () => cbor(encodeChannels(enclave.channelIds())),
    'GET /v1/health': () => health(enclave),
    ...operatorRoutes(enclave),
  })
}

function operatorRoutes(enclave: Enclave): Readonly<Record<string, Route>> {
  const status = (): Reply => json(enclave.status())
  return {
    'GET /v1/operator/status': status,
    'POST /v1/operator/attest': async (body) => {
      const nonce = decodeAttestRequest(body)
      return nonce === undefined ? MALFORMED : { status: 200, body: await enclave.attest(nonce), type: 'application/octet-stream' }
    },
    'POST /v1/operator/rotate': async (body) => {
      const message = body.length > MAX_OPERATOR_BYTES ? undefined : decodeRotate(parseJson(body))
      if (message === undefined) return MALFORMED
      await enclave.rotateChannelKey(message.now)
      return status()
    },
    'POST /v1/operator/drain': () => {
      enclave.drain()
      return status()
    },
    'POST /v1/operator/resume': () => {
      enclave.resume()
      return status()
    },
  }
}

export function createHostDoor(enclave: Enclave, credentials: CredentialSource): Server {
  return serve({
    'POST /v1/configure': async (body) => {
      await enclave.configure(body)
      return json({ phase: enclave.phase })
    },
    'POST /v1/credentials': (body) => {
      if (!enclave.allows('credentials')) return json({ error: 'phase' }, 409)
      const read = readCredentials(parseCredentials(body))
      if (read === undefined) return MALFORMED
      credentials.replace(read)
      return json({})
    },
    'POST /v1/rotate-channel-key': async () => {
      await enclave.rotateChannelKey()
      return json({})
    },
    'GET /v1/health': () => health(enclave),
  })
}

function health(enclave: Enclave): Reply {
  const { phase, reason } = enclave
  // One that drains is well: who replaced it for its answer would cut off what it still works on.
  return json(reason === undefined ? { phase } : { phase, reason }, phase === 'serving' || phase === 'draining' ? 200 : 503)
}

function parseCredentials(body: Uint8Array): unknown {
  try {
    return object(parseJson(body), ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiresAtMs'])
  } catch {
    return undefined
  }
}

function serve(routes: Readonly<Record<string, Route>>): Server {
  return createServer((request, response) => {
    void reply(routes, request).then((answer) => send(response, answer))
  })
}

async function reply(routes: Readonly<Record<string, Route>>, request: IncomingMessage): Promise<Reply> {
  const route = routes[`${request.method} ${request.url}`]
  if (route === undefined) return NOT_FOUND
  try {
    const body = await readBody(request)
    return body === undefined ? { ...MALFORMED, status: 413 } : await route(body)
  } catch (error) {
    const code = error instanceof CloisterError ? error.code : 'internal'
    return refusal({ outcome: 'not_tried', code, retryAfterSec: null }, code === 'unavailable' ? 503 : 500)
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_SERVICE_BYTES) return undefined
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function send(response: ServerResponse, { status, body, type }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length }).end(body)
}
