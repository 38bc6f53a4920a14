/** Requests that an attacker seals: to an enclave that is honest, with whatever they have of token, client key and PIN. */
import { acceptChannel, type AttestedChannel, type Trust } from '../../client/trust.ts'
import type { ClientKey } from '../../client/client-key.ts'
import type { EnclaveClient } from '../../lib/enclave/client.ts'
import { answerBinding, decodeSealedAnswer, type AnswerOutcome } from '../../lib/protocol/answer.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { startRequest, type OpenAnswer } from '../../lib/protocol/channel.ts'
import { encodeHeader, type Operation } from '../../lib/protocol/header.ts'
import { signProof } from '../../lib/protocol/proof.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { encodeSealedBody, type RequestBody } from '../../lib/protocol/request.ts'
import type { SealedRequest } from '../../lib/wallets/operate.ts'

/** A token, and the client key that it commits to: null for who only has the token. */
export interface Login {
  readonly token: string
  readonly clientKey: ClientKey | null
}

export interface Intent {
  readonly op: Operation
  readonly wallet: string
  readonly pin: string | null
  readonly parameters: CborValue
  /** In place of one's own. */
  readonly proof?: RequestBody['proof']
}

/** An enclave's channel, whatever it measures to: attackers know whom they talk to. */
export async function channelOf(enclave: EnclaveClient, trust: Trust): Promise<AttestedChannel> {
  const nonce = crypto.getRandomValues(new Uint8Array(32))
  return acceptChannel((await enclave.attest(nonce)).document, nonce, trust)
}

export async function sealIntent(
  channel: Pick<AttestedChannel, 'publicKey' | 'key' | 'nowMs'>, who: Login, intent: Intent,
): Promise<{ request: SealedRequest; id: Uint8Array; openAnswer: OpenAnswer }> {
  const { op, wallet, pin, parameters } = intent
  const header = encodeHeader({ op, wallet, key: channel.key })
  const { enc, seal } = await startRequest(channel.publicKey)
  const id = crypto.getRandomValues(new Uint8Array(16))
  const unproven = {
    op, wallet, request: id, issuedAtMs: channel.nowMs(), idempotency: crypto.getRandomValues(new Uint8Array(16)),
    token: new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(who.token))), pin: pin === null ? null : utf8(pin), otp: null, parameters,
  }
  const proof = intent.proof ?? (who.clientKey === null ? null : await signProof(who.clientKey, header, enc, unproven))
  const { ciphertext, openAnswer } = await seal(header, encodeSealedBody({ ...unproven, proof }))
  return { request: { header, enc, ciphertext }, id, openAnswer }
}

export interface Reply {
  /** `ok`, or the code: sealed or in the clear. */
  readonly code: string
  readonly outcome: AnswerOutcome | undefined
}

/** Straight to the enclave, past every relay's checks. */
export async function ask(enclave: EnclaveClient, channel: AttestedChannel, who: Login, record: WalletRecord | null, intent: Intent): Promise<Reply> {
  const { request, id, openAnswer } = await sealIntent(channel, who, intent)
  const answer = await enclave.request({ token: utf8(who.token), ...request, record })
  if (!('answer' in answer)) return { code: answer.code, outcome: undefined }
  const opened = await openAnswer(answer.answer, answerBinding(intent.op, id))
  const outcome = opened === undefined ? undefined : decodeSealedAnswer(opened)?.outcome
  return { code: outcome === undefined ? 'unopened' : outcome.ok ? 'ok' : outcome.code, outcome }
}

/** Whether an enclave told the attacker if the PIN was right: that is what a guess is. */
export function isGuess({ code }: Reply): boolean {
  return code === 'ok' || code === 'pin_wrong'
}
