/** A client and a relay in one, each part of whose request can be made wrong. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { answerBinding, decodeSealedAnswer } from '../../lib/protocol/answer.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { parseChannelKey, startRequest, type OpenAnswer } from '../../lib/protocol/channel.ts'
import type { GuessState } from '../../lib/protocol/errors.ts'
import { encodeHeader, type Operation, type RequestHeader } from '../../lib/protocol/header.ts'
import { decodeView, encodeCreateParameters, type CreateParameters } from '../../lib/protocol/lifecycle.ts'
import { decodeSignResult, encodeSignParameters, NO_PERMISSIONS, type Payload, type SignedPayload } from '../../lib/protocol/operations.ts'
import type { WalletView } from '../../lib/protocol/wallet-view.ts'
import { signProof } from '../../lib/protocol/proof.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { encodeSealedBody, type RequestBody, type UnprovenBody } from '../../lib/protocol/request.ts'
import type { ServiceAnswer, ServiceRequest } from '../../lib/protocol/service.ts'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { serializeTransaction } from 'viem'
import { sha256, type User, type World } from './core-world.ts'

export const PIN = '493817'
export const PATH = "m/44'/60'/0'/0/0"
export const CHAIN = 'eip155:1'
export const TRANSACTION = new Uint8Array(
  Buffer.from(
    serializeTransaction({
      type: 'eip1559', chainId: 1, nonce: 7, to: '0x3535353535353535353535353535353535353535', value: 10n ** 18n, gas: 21_000n,
      maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
    }).slice(2),
    'hex',
  ),
)
export const payload = (changes: Partial<Payload> = {}): Payload => ({ chain: CHAIN, path: PATH, kind: 'transaction', data: TRANSACTION, context: null, summary: null, ...changes })
export const SIGN = encodeSignParameters({ payloads: [payload()] })
export const createParameters = (changes: Partial<CreateParameters> = {}): CborValue =>
  encodeCreateParameters({ words: 12, label: '', permissions: NO_PERMISSIONS, recovery: false, ...changes })

export interface Shot {
  readonly op: Operation
  readonly wallet: string
  readonly pin?: string | Uint8Array | null
  readonly otp?: string
  readonly parameters?: CborValue
  readonly idempotency?: Uint8Array
  readonly issuedAtMs?: number
  readonly request?: Uint8Array
  /** Header fields that differ from the body's. */
  readonly header?: Partial<RequestHeader>
  /** Changes the body before or after it is proven. */
  readonly before?: (body: UnprovenBody) => UnprovenBody
  readonly after?: (body: RequestBody) => RequestBody
  readonly noProof?: boolean
  /** Changes what the relay hands over. */
  readonly message?: (message: ServiceRequest) => ServiceRequest
  /** The record handed in; by default what the table holds. */
  readonly record?: WalletRecord | null
}

export interface Outcome {
  readonly service: ServiceAnswer
  /** `ok`, the sealed code, or `clear:` and the code in the clear. */
  readonly code: string
  readonly guesses: GuessState | null
  readonly result: CborValue | undefined
  /** To hand over again as it is. */
  readonly message: ServiceRequest
  readonly open: OpenAnswer
}

export interface TestClient {
  readonly user: User
  shoot(shot: Shot): Promise<Outcome>
  /** Creates a wallet and returns its id. */
  create(pin?: string): Promise<string>
  view(wallet: string): Promise<WalletView>
  sign(wallet: string, pin?: string | Uint8Array, extra?: Partial<Shot>): Promise<Outcome>
  record(wallet: string): WalletRecord
}

export function createTestClient(world: World, enclave: Enclave, user: User): TestClient {
  async function shoot(shot: Shot): Promise<Outcome> {
    const offered = await enclave.offer(randomBytes(32))
    const publicKey = await parseChannelKey(decodeUnverifiedAttestation(offered.document).document.publicKey as Uint8Array)
    const header = encodeHeader({ op: shot.op, wallet: shot.wallet, key: offered.key, ...shot.header })
    const { enc, seal } = await startRequest(publicKey)
    const { pin = null } = shot
    const plain: UnprovenBody = {
      op: shot.op,
      wallet: shot.wallet,
      request: shot.request ?? new Uint8Array(randomBytes(16)),
      issuedAtMs: shot.issuedAtMs ?? world.nowMs(),
      idempotency: shot.idempotency ?? new Uint8Array(randomBytes(16)),
      token: sha256(user.token),
      pin: typeof pin === 'string' ? utf8(pin) : pin,
      otp: shot.otp === undefined ? null : utf8(shot.otp),
      parameters: shot.parameters ?? {},
    }
    const unproven = shot.before?.(plain) ?? plain
    const proven: RequestBody = { ...unproven, proof: shot.noProof === true ? null : await signProof(user.clientKey, header, enc, unproven) }
    const body = shot.after?.(proven) ?? proven
    const { ciphertext, openAnswer } = await seal(header, encodeSealedBody(body))
    const record = shot.record === undefined ? world.table.read(user.owner, shot.wallet) : shot.record
    const plainMessage: ServiceRequest = { token: utf8(user.token), header, enc, ciphertext, record }
    const message = shot.message?.(plainMessage) ?? plainMessage
    const service = await enclave.handle(message)
    return { service, message, open: openAnswer, ...(await read(service, body, openAnswer)) }
  }

  return {
    user,
    shoot,
    async create(pin = PIN) {
      const wallet = randomUUID()
      const { code } = await shoot({ op: 'create', wallet, pin, parameters: createParameters() })
      if (code !== 'ok') throw new Error(`create: ${code}`)
      return wallet
    },
    async view(wallet) {
      const { result, code } = await shoot({ op: 'view', wallet })
      const view = result === undefined ? undefined : decodeView(result)
      if (view === undefined) throw new Error(`view: ${code}`)
      return view
    },
    sign: (wallet, pin = PIN, extra = {}) => shoot({ op: 'sign', wallet, pin, parameters: SIGN, ...extra }),
    record(wallet) {
      const record = world.table.read(user.owner, wallet)
      if (record === null) throw new Error('no such record')
      return record
    },
  }
}

async function read(service: ServiceAnswer, body: RequestBody, open: OpenAnswer): Promise<Pick<Outcome, 'code' | 'guesses' | 'result'>> {
  if (!('answer' in service)) return { code: `clear:${service.code}`, guesses: null, result: undefined }
  const opened = await open(service.answer, answerBinding(body.op, body.request))
  const answer = opened === undefined ? undefined : decodeSealedAnswer(opened)
  if (answer === undefined) return { code: 'answer_invalid', guesses: null, result: undefined }
  if (!answer.outcome.ok) return { code: answer.outcome.code, guesses: answer.outcome.guesses, result: undefined }
  return { code: 'ok', guesses: null, result: answer.outcome.result }
}

/** The first signature of a `sign`. */
export function signed(outcome: Outcome): SignedPayload & GuessState & { readonly fingerprint: Uint8Array } {
  const result = outcome.result === undefined ? undefined : decodeSignResult(outcome.result)
  if (result === undefined) throw new Error(`sign: ${outcome.code}`)
  const { signatures, ...rest } = result
  return { ...(signatures[0] as SignedPayload), ...rest }
}
