/** A client without the SDK's good manners: each part of a request can be made wrong, one at a time. */
import { acceptChannel, type AttestedChannel } from '../../client/trust.ts'
import { answerBinding, decodeSealedAnswer, type AnswerOutcome } from '../../lib/protocol/answer.ts'
import { fromBase64url, toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { startRequest } from '../../lib/protocol/channel.ts'
import { encodeHeader, type Operation } from '../../lib/protocol/header.ts'
import { routeOf } from '../../lib/protocol/routes.ts'
import { signProof } from '../../lib/protocol/proof.ts'
import { encodeSealedBody, type RequestBody } from '../../lib/protocol/request.ts'
import type { Cloud, HttpAnswer, LoggedIn } from './cloud.ts'

export interface RawCall {
  readonly op: Operation
  readonly wallet: string
  readonly pin?: string | Uint8Array | null
  readonly parameters: CborValue
  readonly idempotency?: Uint8Array
  /** Changes the body after the proof was made. */
  readonly alter?: (body: RequestBody) => RequestBody
  /** Changes the body before the proof is made. */
  readonly prepare?: (body: Omit<RequestBody, 'proof'>) => Omit<RequestBody, 'proof'>
  /** Replaces the sealed plaintext altogether. */
  readonly plaintext?: Uint8Array
  readonly header?: Uint8Array
  readonly path?: string
}

export interface RawAnswer {
  readonly http: HttpAnswer
  /** What the sealed answer says, if there was one. */
  readonly sealed: AnswerOutcome | undefined
  /** The request as it was sent, to send it again. */
  readonly sent: { readonly path: string; readonly body: string }
}

const channels = new WeakMap<LoggedIn, Promise<AttestedChannel>>()

async function attest(cloud: Cloud): Promise<AttestedChannel> {
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  const offered = await cloud.call('GET', `/v1/enclave?nonce=${toBase64url(nonce)}`)
  return acceptChannel(fromBase64url(offered.json['attestation'] as string) as Uint8Array, nonce, cloud.stack.trust)
}

export async function rawCall(cloud: Cloud, who: LoggedIn, call: RawCall): Promise<RawAnswer> {
  const known = channels.get(who) ?? attest(cloud)
  channels.set(who, known)
  const channel = await known
  const answer = await callOver(channel, cloud, who, call)
  if (answer.http.json['code'] === 'channel_unknown') channels.delete(who)
  return answer
}

async function callOver(channel: AttestedChannel, cloud: Cloud, who: LoggedIn, call: RawCall): Promise<RawAnswer> {
  const header = call.header ?? encodeHeader({ op: call.op, wallet: call.wallet, key: channel.key })
  const { enc, seal } = await startRequest(channel.publicKey)
  const pin = typeof call.pin === 'string' ? utf8(call.pin) : (call.pin ?? null)
  const plain = {
    op: call.op,
    wallet: call.wallet,
    request: crypto.getRandomValues(new Uint8Array(16)),
    issuedAtMs: channel.nowMs(),
    idempotency: call.idempotency ?? crypto.getRandomValues(new Uint8Array(16)),
    token: new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(who.token))),
    pin,
    otp: null,
    parameters: call.parameters,
  }
  const unproven = call.prepare?.(plain) ?? plain
  const proven: RequestBody = { ...unproven, proof: await signProof(who.clientKey, header, enc, unproven) }
  const body = call.alter?.(proven) ?? proven
  const { ciphertext, openAnswer } = await seal(header, call.plaintext ?? encodeSealedBody(body))
  const path = call.path ?? routeOf(call.op).replace('{id}', call.wallet)
  const sent = { path, body: JSON.stringify({ header: toBase64url(header), enc: toBase64url(enc), ciphertext: toBase64url(ciphertext) }) }
  const http = await cloud.call('POST', path, { token: who.token, body: sent.body })
  const answer = typeof http.json['answer'] === 'string' ? fromBase64url(http.json['answer']) : undefined
  const opened = answer === undefined ? undefined : await openAnswer(answer, answerBinding(body.op, body.request))
  return { http, sealed: opened === undefined ? undefined : decodeSealedAnswer(opened)?.outcome, sent }
}

/** The code that the enclave gave inside the sealed answer. */
export function sealedCode(answer: RawAnswer): string | undefined {
  return answer.sealed?.ok === false ? answer.sealed.code : undefined
}
