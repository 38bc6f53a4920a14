/**
 * A simulated Nitro Security Module: the device's requests, answers, errors and limits. Its behaviour is that of QEMU's virtio-nsm started
 * with an EIF, whose wire bytes the tests replay; only its documents are really signed.
 */
import { createHash } from 'node:crypto'
import {
  decodeNsmRequest, encodeNsmResponse, NSM_REQUEST_MAX_BYTES, type NsmErrorCode, type NsmRequest, type NsmResponse,
} from '../nsm-codec.ts'
import type { DocumentContent } from './document.ts'

const PCR_COUNT = 32
const PCR_BYTES = 48
/** PCRs 0 to 15 are the hypervisor's: locked before the enclave starts. */
const BOOT_LOCKED_PCRS = 16
/** Real documents carry up to 1,024 bytes of each input. */
const ATTESTATION_INPUT_MAX_BYTES = 1024
const RANDOM_BYTES = 256

interface SimulatedNsmOptions {
  /** The PCRs at boot, 48 bytes each; all others are zero. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  /** `i-<17 hex>-enc<16 hex>` */
  readonly moduleId: string
  /** Makes the attestation document. */
  readonly signDocument: (content: DocumentContent) => Promise<Uint8Array>
  readonly nowMs: () => number
  readonly random: (length: number) => Uint8Array
}

export interface SimulatedNsm {
  /** Answers one request: device CBOR in, device CBOR out. Never rejects. */
  handle(request: Uint8Array): Promise<Uint8Array>
}

/** A fresh device. It lives as long as its enclave: a restart forgets what was extended and locked. */
export function createSimulatedNsm(options: SimulatedNsmOptions): SimulatedNsm {
  const pcrs = Array.from({ length: PCR_COUNT }, (_, index) => ({ data: new Uint8Array(PCR_BYTES), locked: index < BOOT_LOCKED_PCRS }))
  for (const [index, data] of options.pcrs) {
    const pcr = pcrs[index]
    if (pcr === undefined || data.length !== PCR_BYTES) throw new Error('A PCR has an index below 32 and 48 bytes')
    pcr.data = Uint8Array.from(data)
  }

  /** The document shows the PCRs that are locked by now: 0..15, and of the application's those it has locked. */
  const lockedPcrs = (): Map<number, Uint8Array> => new Map(pcrs.flatMap((pcr, index) => (pcr.locked ? [[index, pcr.data] as const] : [])))

  function writable(index: number): { data: Uint8Array; locked: boolean } | NsmErrorCode {
    const pcr = pcrs[index]
    if (pcr === undefined) return 'InvalidIndex'
    return pcr.locked ? 'ReadOnlyIndex' : pcr
  }

  async function answer(request: NsmRequest): Promise<NsmResponse> {
    switch (request.op) {
      case 'DescribeNSM':
        return { op: request.op, digest: 'SHA384', maxPcrs: PCR_COUNT, moduleId: options.moduleId, lockedPcrs: [...lockedPcrs().keys()] }
      case 'GetRandom':
        return { op: request.op, random: options.random(RANDOM_BYTES) }
      case 'DescribePCR': {
        const pcr = pcrs[request.index]
        return pcr ? { op: request.op, data: pcr.data, lock: pcr.locked } : error('InvalidIndex')
      }
      case 'ExtendPCR': {
        const pcr = writable(request.index)
        if (typeof pcr === 'string') return error(pcr)
        pcr.data = new Uint8Array(createHash('sha384').update(pcr.data).update(request.data).digest())
        return { op: request.op, data: pcr.data }
      }
      case 'LockPCR': {
        const pcr = writable(request.index)
        if (typeof pcr === 'string') return error(pcr)
        pcr.locked = true
        return { op: request.op }
      }
      case 'LockPCRs':
        if (request.range > PCR_COUNT) return error('InvalidIndex')
        for (const pcr of pcrs.slice(0, request.range)) pcr.locked = true
        return { op: request.op }
      case 'Attestation': {
        const { publicKey, userData, nonce } = request
        if ([publicKey, userData, nonce].some((input) => input && input.length > ATTESTATION_INPUT_MAX_BYTES)) return error('InputTooLarge')
        const content = { moduleId: options.moduleId, timestampMs: options.nowMs(), pcrs: lockedPcrs(), publicKey, userData, nonce }
        return { op: request.op, document: await options.signDocument(content) }
      }
      default:
        return request satisfies never
    }
  }

  return {
    async handle(bytes) {
      if (bytes.length > NSM_REQUEST_MAX_BYTES) return encodeNsmResponse(error('InputTooLarge'))
      const request = decodeNsmRequest(bytes)
      // QEMU's device says the same of an unknown operation, of malformed CBOR and of malformed fields.
      if (request === undefined) return encodeNsmResponse(error('InvalidOperation'))
      try {
        return encodeNsmResponse(await answer(request))
      } catch {
        return encodeNsmResponse(error('InternalError'))
      }
    },
  }
}

const error = (code: NsmErrorCode): NsmResponse => ({ op: 'Error', code })
