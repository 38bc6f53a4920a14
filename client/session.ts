/** One logged-in app: attests when it must, seals each request to the attested enclave, opens its answer. */
import { answerBinding, decodeSealedAnswer } from '../lib/protocol/answer.ts'
import { equal, utf8, wipe } from '../lib/protocol/bytes.ts'
import type { CborValue } from '../lib/protocol/cbor.ts'
import { startRequest } from '../lib/protocol/channel.ts'
import { CloisterError } from '../lib/protocol/errors.ts'
import { encodeHeader, type Operation } from '../lib/protocol/header.ts'
import { signProof } from '../lib/protocol/proof.ts'
import { encodeSealedBody } from '../lib/protocol/request.ts'
import { routeOf } from '../lib/protocol/routes.ts'
import type { ClientKey } from './client-key.ts'
import { throwIfAborted, type Deadline } from './deadline.ts'
import { fetchAttestation, postSealed, type Api } from './http.ts'
import { retrying } from './retry.ts'
import { createTokens } from './tokens.ts'
import { acceptChannel, type AttestedChannel, type Trust } from './trust.ts'

export interface SessionOptions {
  readonly api: Api
  readonly trust: Trust
  readonly token: string
  /** Logs in again, for when the token has run out. */
  readonly renewToken?: (signal?: AbortSignal) => Promise<string>
  /** `null` where the tenant takes requests without a client key (proof mode `none`). */
  readonly clientKey: ClientKey | null
}

export interface Call {
  readonly op: Operation
  readonly wallet: string
  readonly pin: Uint8Array | null
  /** Six ASCII digits. */
  readonly otp?: Uint8Array | null
  readonly parameters: CborValue
  /** 16 bytes; the same for each try of one intention. */
  readonly idempotency?: Uint8Array
  readonly signal?: AbortSignal
  /** Of each HTTP request, milliseconds. */
  readonly timeoutMs?: number
}

export interface Session {
  /** The attested channel, made or renewed when there is none. @throws CloisterError `attestation_*`, `network`, `timeout` */
  attest(deadline?: Deadline): Promise<AttestedChannel>
  /** The token to show: the present one, or another if it has run out. @throws what logging in throws */
  token(deadline?: Deadline): Promise<string>
  /** @returns the sealed answer's result. @throws CloisterError with the sealed code, or the problem's */
  call(call: Call): Promise<CborValue>
}

const NONCE_BYTES = 32

export function createSession(options: SessionOptions): Session {
  const tokens = createTokens(options.token, options.renewToken)
  let channel: AttestedChannel | undefined

  async function attest(deadline: Deadline = {}): Promise<AttestedChannel> {
    if (channel !== undefined && channel.nowMs() < channel.notAfterMs) return channel
    channel = undefined
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
    channel = await acceptChannel(await fetchAttestation(options.api, nonce, deadline), nonce, options.trust)
    return channel
  }

  async function currentToken(deadline: Deadline = {}): Promise<string> {
    // By attested time: this device's clock may be anywhere.
    const { nowMs } = await attest(deadline)
    return tokens.at(nowMs(), deadline.signal)
  }

  async function attempt(call: Call, idempotency: Uint8Array): Promise<CborValue> {
    const bearer = await currentToken(call)
    const { publicKey, key, nowMs } = await attest(call)
    const { op, wallet, pin, otp = null, parameters } = call
    const header = encodeHeader({ op, wallet, key })
    const { enc, seal } = await startRequest(publicKey)
    const request = crypto.getRandomValues(new Uint8Array(16))
    const token = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(bearer)))
    const unproven = { op, wallet, request, issuedAtMs: nowMs(), idempotency, token, pin, otp, parameters }
    const proof = options.clientKey === null ? null : await signProof(options.clientKey, header, enc, unproven)
    const body = encodeSealedBody({ ...unproven, proof })
    const { ciphertext, openAnswer } = await seal(header, body).finally(() => wipe(body))
    throwIfAborted(call.signal)
    const sealed = await postSealed(options.api, routeOf(op).replace('{id}', wallet), bearer, { header, enc, ciphertext }, call)
    const opened = await openAnswer(sealed, answerBinding(op, request))
    const answer = opened === undefined ? undefined : decodeSealedAnswer(opened)
    if (answer === undefined || answer.op !== op || !equal(answer.request, request)) throw new CloisterError('answer_invalid')
    if (answer.outcome.ok) return answer.outcome.result
    const { code, guesses } = answer.outcome
    throw new CloisterError(code, guesses === null ? {} : { guesses })
  }

  async function once(call: Call, idempotency: Uint8Array): Promise<CborValue> {
    try {
      return await attempt(call, idempotency)
    } catch (error) {
      if (!(error instanceof CloisterError)) throw error
      const before = channel
      // Nobody answered for this enclave: whatever is called next had better ask for another.
      if (error.code === 'unavailable') channel = undefined
      if (error.code !== 'channel_unknown' && error.code !== 'request_expired') throw error
      // The enclave restarted, its key was rotated away, or this device slept and its clock with it: attest again, verify again, and try once more.
      channel = undefined
      const { key } = await attest(call)
      // A relay that says so of a key which the enclave still offers wants the PIN tried twice.
      if (error.code === 'channel_unknown' && before !== undefined && equal(before.key, key)) throw error
      return attempt(call, idempotency)
    }
  }

  return {
    attest,
    token: currentToken,
    call(call) {
      const idempotency = call.idempotency ?? crypto.getRandomValues(new Uint8Array(16))
      return call.pin === null ? retrying(() => once(call, idempotency), call.signal) : once(call, idempotency)
    },
  }
}
