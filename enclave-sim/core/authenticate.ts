/** Who asks, and whether it is really them: the whole order of checks between a message from the relay and an operation. */
import { createHash } from 'node:crypto'
import { equal, wipe } from '../../lib/protocol/bytes.ts'
import type { SealAnswer } from '../../lib/protocol/channel.ts'
import { openRequest } from '../../lib/protocol/channel.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import { decodeHeader } from '../../lib/protocol/header.ts'
import { tokenNonce, verifyProof } from '../../lib/protocol/proof.ts'
import { decodeSealedBody, type RequestBody } from '../../lib/protocol/request.ts'
import type { ServiceRequest } from '../../lib/protocol/service.ts'
import { ownerOf } from '../../lib/tokens/owner.ts'
import type { TokenVerifier, VerifiedToken } from '../../lib/tokens/verify.ts'
import type { ChannelKeys } from './channel-keys.ts'
import type { AttestedClock } from './clock.ts'
import type { ReplayGuard } from './replay.ts'

export interface OpenedRequest {
  readonly body: RequestBody
  readonly token: VerifiedToken
  readonly sealAnswer: SealAnswer
}

export interface Gate {
  readonly tokens: TokenVerifier
  readonly channelKeys: ChannelKeys
  readonly clock: AttestedClock
  readonly replay: ReplayGuard
}

/**
 * Steps 8's first half: what can only be answered in the clear, for the request does not open.
 * @throws CloisterError `token_*`, `unavailable`, `request_malformed`, `channel_unknown`
 */
export async function openSealedRequest(gate: Gate, message: ServiceRequest): Promise<OpenedRequest> {
  const token = await gate.tokens.verify(Buffer.from(message.token).toString('latin1'))
  const header = decodeHeader(message.header)
  if (header === undefined) throw new CloisterError('request_malformed')
  const pair = gate.channelKeys.find(header.key)
  if (pair === undefined) throw new CloisterError('channel_unknown')
  const opened = await openRequest(pair, message.header, message.enc, message.ciphertext)
  if (opened === undefined) throw new CloisterError('request_malformed')
  try {
    const body = decodeSealedBody(opened.body)
    if (body === undefined) throw new CloisterError('request_malformed')
    return { body, token, sealAnswer: opened.sealAnswer }
  } finally {
    wipe(opened.body)
  }
}

/**
 * Step 8's second half: what is answered sealed. Returns the owner's partition.
 * @throws CloisterError `header_mismatch`, `token_mismatch`, `proof_missing`, `proof_invalid`, `request_expired`, `request_replayed`
 */
export async function authenticate(gate: Gate, message: ServiceRequest, opened: OpenedRequest): Promise<string> {
  const { body, token } = opened
  const header = decodeHeader(message.header)
  if (header?.op !== body.op || header.wallet !== body.wallet) throw new CloisterError('header_mismatch')
  if (!equal(createHash('sha256').update(message.token).digest(), body.token)) throw new CloisterError('token_mismatch')
  await checkProof(message, body, token)
  gate.replay.take(body.request, body.issuedAtMs, gate.clock.nowMs())
  return ownerOf(token)
}

async function checkProof(message: ServiceRequest, body: RequestBody, token: VerifiedToken): Promise<void> {
  const { proofs } = token.tenant
  if (body.proof === null) {
    if (proofs.includes('none')) return
    throw new CloisterError('proof_missing')
  }
  // A proof that is given must hold, even where none is needed.
  if (token.nonce === null) throw new CloisterError('proof_invalid')
  if ((await tokenNonce(body.proof, body.proof.random)) !== token.nonce) throw new CloisterError('proof_invalid')
  if (!(await verifyProof(body.proof, message.header, message.enc, body))) throw new CloisterError('proof_invalid')
}
