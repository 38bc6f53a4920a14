/** The SDK against an enclave in this process: a relay that is a `fetch`, and can be made to fail. */
import { connect, type ChainClient, type Cloister, type ConnectOptions } from '../../client/connect.ts'
import { memoryKeyStore } from '../../client/key-store.ts'
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { measurementsOf } from '../../lib/attestation/policy.ts'
import { verifyAttestation } from '../../lib/attestation/verify.ts'
import { fromBase64url, toBase64url, utf8 } from '../../lib/protocol/bytes.ts'
import { decodeHeader } from '../../lib/protocol/header.ts'
import { ERRORS } from '../../lib/protocol/errors.ts'
import type { ServiceAnswer } from '../../lib/protocol/service.ts'
import type { Trust } from '../../client/trust.ts'
import { createWorld, type World } from './core-world.ts'

interface Sent {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
}

/** Instead of, or after, what the relay would answer. */
export type Fault = (sent: Sent, answer: () => Promise<Response>, signal: AbortSignal) => Promise<Response>

export interface SdkWorld {
  readonly world: World
  enclave: Enclave
  readonly trust: Trust
  readonly sent: Sent[]
  /** What becomes of each request. */
  fault: Fault | undefined
  /** Logins so far. */
  readonly logins: { readonly nonce: string }[]
  readonly options: Pick<ConnectOptions, 'url' | 'trust' | 'login' | 'fetch' | 'keyStore'>
  /** Moves the enclave's clock and this device's. `world.advance` moves the enclave's alone: as if the device had slept. */
  advance(ms: number): void
  connect(options?: Partial<ConnectOptions>): Promise<Cloister>
  close(): void
}

export const problem = (code: keyof typeof ERRORS, retryAfterSec?: number): Response =>
  Response.json({ code }, { status: ERRORS[code].status || 503, headers: retryAfterSec === undefined ? {} : { 'retry-after': String(retryAfterSec) } })

/** @param tokenSec how long a token is good for */
export async function createSdkWorld({ tokenSec = 86_400, sub = 'sdk', chains = [] as readonly ChainClient[] } = {}): Promise<SdkWorld> {
  const world = await createWorld()
  const enclave = await world.enclave()
  const { owner } = await world.login(sub)
  const document = await verifyAttestation((await enclave.offer(crypto.getRandomValues(new Uint8Array(32)))).document, { rootDer: world.rootDer, atMs: world.nowMs() })
  const trust: Trust = { root: world.rootDer, measurements: [measurementsOf(document)], clockToleranceMs: 1e13 }

  async function relay(sent: Sent, url: URL, token: string): Promise<Response> {
    if (url.pathname === '/v1/enclave') {
      const { document: offered } = await self.enclave.offer(bytesOf(url.searchParams.get('nonce')))
      return Response.json({ attestation: toBase64url(offered) })
    }
    const receipts = /^\/v1\/wallets\/([^/]+)\/receipts$/.exec(url.pathname)
    if (receipts !== null) {
      const after = Number(url.searchParams.get('after'))
      const all = world.table.receipts(receipts[1] as string).map((sealed, i) => ({ sequence: i + 1, sealed: toBase64url(sealed) }))
      return Response.json({ receipts: all.slice(after, after + 2) })
    }
    if (sent.method === 'GET') return Response.json({ wallets: [] })
    const body = JSON.parse(sent.body as string) as Record<string, string>
    const header = bytesOf(body['header'])
    const wallet = decodeHeader(header)?.wallet as string
    // As lib/wallets does: a record that changed meanwhile is read again.
    for (let tried = 0; ; tried++) {
      const record = world.table.read(owner, wallet)
      const answer: ServiceAnswer = await self.enclave.handle({ token: utf8(token), header, enc: bytesOf(body['enc']), ciphertext: bytesOf(body['ciphertext']), record })
      if ('answer' in answer) return Response.json({ answer: toBase64url(answer.answer) }, { status: answer.outcome === 'done' ? 200 : 422 })
      if (answer.code !== 'stale' || tried === 4) return problem(answer.code, answer.retryAfterSec ?? undefined)
    }
  }

  const deviceNow = performance.now.bind(performance)
  let offsetMs = 0
  performance.now = () => deviceNow() + offsetMs

  const logins: { nonce: string }[] = []
  const self: SdkWorld = {
    world,
    enclave,
    trust,
    sent: [],
    fault: undefined,
    logins,
    options: {
      url: 'https://api.test',
      trust,
      keyStore: memoryKeyStore(),
      async login({ nonce }) {
        logins.push({ nonce })
        return world.issuer.token({ sub, nonce, exp: Math.floor(world.nowMs() / 1000) + tokenSec })
      },
      fetch: async (input, init) => {
        const url = new URL(String(input))
        const sent = { method: init?.method ?? 'GET', path: url.pathname, body: init?.body as string | undefined }
        self.sent.push(sent)
        const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) ?? ''
        const answer = (): Promise<Response> => relay(sent, url, token)
        return self.fault === undefined ? answer() : self.fault(sent, answer, init?.signal as AbortSignal)
      },
    },
    advance(ms) {
      offsetMs += ms
      world.advance(ms)
    },
    connect: (options = {}) => connect({ ...self.options, chains, ...options }),
    close() {
      performance.now = deviceNow
      world.close()
    },
  }
  return self
}

const bytesOf = (text: string | null | undefined): Uint8Array => fromBase64url(text ?? '') as Uint8Array
