/** The enclave's view of its Nitro Security Module, over whatever carries the bytes: a real `/dev/nsm`, or the simulator's socket. */
import {
  decodeNsmResponse, encodeNsmRequest, NSM_REQUEST_MAX_BYTES, NSM_RESPONSE_MAX_BYTES,
  type NsmErrorCode, type NsmRequest, type NsmResponse,
} from './nsm-codec.ts'

/** Carries one request (device CBOR, at most 0x1000 bytes) to the device and its answer (at most 0x3000 bytes) back. */
export interface NsmTransport {
  request(bytes: Uint8Array): Promise<Uint8Array>
}

export interface Nsm {
  describe(): Promise<{ moduleId: string; maxPcrs: number; lockedPcrs: number[]; digest: string }>
  /** `data`: 48 bytes. */
  describePcr(index: number): Promise<{ locked: boolean; data: Uint8Array }>
  /** PCR := SHA-384(PCR ‖ data). Returns the new 48 bytes. `ReadOnlyIndex` once it is locked. */
  extendPcr(index: number, data: Uint8Array): Promise<Uint8Array>
  /** Locks one PCR until the enclave ends. `ReadOnlyIndex` when it is locked already. */
  lockPcr(index: number): Promise<void>
  /** Locks PCR 0 up to, not including, `range`. */
  lockPcrs(range: number): Promise<void>
  /** 1 to 256 random bytes, as many as the device gives. */
  random(): Promise<Uint8Array>
  /** A signed attestation document (untagged COSE_Sign1). Each input is at most 1,024 bytes; it shows the PCRs that are locked by now. */
  attest(inputs: { publicKey: Uint8Array | null; userData: Uint8Array | null; nonce: Uint8Array | null }): Promise<Uint8Array>
}

/** The device refused, or answered something that is no answer to the question (`InvalidResponse`). */
export class NsmError extends Error {
  readonly code: NsmErrorCode

  constructor(code: NsmErrorCode) {
    super(`NSM device: ${code}`)
    this.name = 'NsmError'
    this.code = code
  }
}

const PCR_BYTES = 48
const RANDOM_MAX_BYTES = 256

/** The device's operations over a transport. Each rejects with {@link NsmError}, or with the transport's own error. */
export function createNsm(transport: NsmTransport): Nsm {
  async function call<Op extends NsmRequest['op']>(request: NsmRequest & { op: Op }): Promise<Extract<NsmResponse, { op: Op }>> {
    const bytes = encodeNsmRequest(request)
    if (bytes.length > NSM_REQUEST_MAX_BYTES) throw new NsmError('InputTooLarge')
    const answer = await transport.request(bytes)
    const response = answer.length > NSM_RESPONSE_MAX_BYTES ? undefined : decodeNsmResponse(answer)
    if (response?.op === 'Error') throw new NsmError(response.code)
    if (response?.op !== request.op) throw new NsmError('InvalidResponse')
    return response as Extract<NsmResponse, { op: Op }>
  }

  return {
    async describe() {
      const { moduleId, maxPcrs, lockedPcrs, digest } = await call({ op: 'DescribeNSM' })
      return { moduleId, maxPcrs, lockedPcrs: [...lockedPcrs], digest }
    },
    async describePcr(index) {
      const { data, lock } = await call({ op: 'DescribePCR', index })
      return { locked: lock, data: pcr(data) }
    },
    async extendPcr(index, data) {
      return pcr((await call({ op: 'ExtendPCR', index, data })).data)
    },
    async lockPcr(index) {
      await call({ op: 'LockPCR', index })
    },
    async lockPcrs(range) {
      await call({ op: 'LockPCRs', range })
    },
    async random() {
      const { random } = await call({ op: 'GetRandom' })
      if (random.length === 0 || random.length > RANDOM_MAX_BYTES) throw new NsmError('InvalidResponse')
      return random
    },
    async attest({ publicKey, userData, nonce }) {
      return (await call({ op: 'Attestation', userData, nonce, publicKey })).document
    },
  }
}

function pcr(data: Uint8Array): Uint8Array {
  if (data.length !== PCR_BYTES) throw new NsmError('InvalidResponse')
  return data
}
