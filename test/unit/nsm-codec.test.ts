// The wire bytes of /dev/nsm, captured from QEMU's virtio-nsm under Linux: as requests of our client, and as answers of our device.
import { existsSync, readFileSync } from 'node:fs'
import { encode } from 'cborg'
import {
  decodeNsmRequest, decodeNsmResponse, encodeNsmRequest, encodeNsmResponse, NSM_ERROR_CODES, type NsmRequest, type NsmResponse,
} from '../../enclave-sim/platform/nsm-codec.ts'
import { createNsm, type Nsm } from '../../enclave-sim/platform/nsm.ts'
import { createSimulatedNsm } from '../../enclave-sim/platform/simulator/device.ts'
import { concat, fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'

interface Vectors {
  calls: { name: string; request_hex: string; response_hex: string }[]
}

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array

/** What each vector is when our client says it. */
const calls: Record<string, (nsm: Nsm) => Promise<unknown>> = {
  DescribeNSM: (nsm) => nsm.describe(),
  GetRandom: (nsm) => nsm.random(),
  DescribePCR0: (nsm) => nsm.describePcr(0),
  ExtendPCR16: (nsm) => nsm.extendPcr(16, utf8('abc')),
  LockPCR16: (nsm) => nsm.lockPcr(16),
  ExtendPCR16locked: (nsm) => nsm.extendPcr(16, utf8('x')),
  LockPCRs18: (nsm) => nsm.lockPcrs(18),
  DescribePCR99: (nsm) => nsm.describePcr(99),
  Attestation: (nsm) => nsm.attest({ userData: utf8('ud'), nonce: Uint8Array.of(1, 2, 3, 4), publicKey: null }),
  AttestationNulls: (nsm) => nsm.attest({ userData: null, nonce: null, publicKey: null }),
}
const errors: Record<string, string> = { ExtendPCR16locked: 'ReadOnlyIndex', DescribePCR99: 'InvalidIndex' }

for (const file of ['nitro-enclave', 'pci']) {
  const path = `../shared/vectors/nsm/${file}.json`
  const vectors = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Vectors) : undefined
  if (!vectors) console.log(`skipped: no vectors in ${path}`)
  const suite = vectors ? describe : describe.skip
  const call = (name: string) => {
    const found = vectors?.calls.find((one) => one.name === name)
    if (!found) throw new Error(`no vector ${name}`)
    return found
  }

  suite(`vectors of ${file}`, () => {
    test.each(Object.keys(calls))('client: %s', async (name) => {
      const { request_hex, response_hex } = call(name)
      const asked: string[] = []
      const nsm = createNsm({
        async request(bytes) {
          asked.push(toHex(bytes))
          return hex(response_hex)
        },
      })
      const answer = (calls[name] as (typeof calls)[string])(nsm)
      if (errors[name]) await expect(answer).rejects.toMatchObject({ name: 'NsmError', code: errors[name] })
      else await answer
      expect(asked).toEqual([request_hex])
    })

    test.each(Object.keys(calls))('decode and encode of the request: %s', (name) => {
      const bytes = hex(call(name).request_hex)
      expect(toHex(encodeNsmRequest(decodeNsmRequest(bytes) as NsmRequest))).toBe(toHex(bytes))
    })

    test.each([...Object.keys(calls), 'Bogus'])('decode and encode of the answer: %s', (name) => {
      const bytes = hex(call(name).response_hex)
      expect(toHex(encodeNsmResponse(decodeNsmResponse(bytes) as NsmResponse))).toBe(toHex(bytes))
    })

    test('a truncated answer is InvalidResponse', async () => {
      const nsm = createNsm({ request: async () => hex(call('GetRandomSmallBuf').response_hex) })
      await expect(nsm.random()).rejects.toMatchObject({ code: 'InvalidResponse' })
    })

    test('device: the same calls in the same order have the same answers', async () => {
      const describedNsm = decodeNsmResponse(hex(call('DescribeNSM').response_hex))
      const describedPcr0 = decodeNsmResponse(hex(call('DescribePCR0').response_hex))
      const random = decodeNsmResponse(hex(call('GetRandom').response_hex))
      if (describedNsm?.op !== 'DescribeNSM' || describedPcr0?.op !== 'DescribePCR' || random?.op !== 'GetRandom') throw new Error('vectors changed')
      const shown: number[][] = []
      const device = createSimulatedNsm({
        pcrs: new Map([[0, describedPcr0.data]]),
        moduleId: describedNsm.moduleId,
        nowMs: () => 0,
        random: () => random.random,
        signDocument: async ({ pcrs }) => {
          shown.push([...pcrs.keys()])
          return new Uint8Array(1)
        },
      })
      // Without an EIF, as in the second file, QEMU starts with nothing locked: ours always has an image.
      const differs = file === 'pci' ? ['DescribeNSM', 'DescribePCR0'] : []
      for (const { name, request_hex, response_hex } of vectors?.calls ?? []) {
        if (differs.includes(name) || name === 'GetRandomSmallBuf') continue
        if (name === 'TooBig') {
          expect(decodeNsmResponse(await device.handle(new Uint8Array(4097)))).toEqual({ op: 'Error', code: 'InputTooLarge' })
          continue
        }
        const answer = await device.handle(hex(request_hex))
        if (name.startsWith('Attestation')) continue
        expect([name, toHex(answer)]).toEqual([name, response_hex])
      }
      // LockPCRs(18) came before: QEMU's documents show 0..17 (`b2`), the locked ones.
      expect(call('Attestation').response_hex).toContain(`${toHex(encode('pcrs'))}b2`)
      const locked = Array.from({ length: 18 }, (_, index) => index)
      expect(shown).toEqual([locked, locked])
    })
  })
}

describe('requests that are none', () => {
  const index = new Map([['index', 1]])
  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['malformed CBOR', Uint8Array.of(0xa1)],
    ['a trailing byte', concat(encode('GetRandom'), Uint8Array.of(0))],
    ['an unknown operation', encode(new Map([['Bogus', index]]))],
    ['a number', encode(1)],
    ['no operation', encode(new Map())],
    ['two operations', encode(new Map([['LockPCR', index], ['DescribePCR', index]]))],
    ['fields where none belong', encode(new Map([['GetRandom', index]]))],
    ['no fields', encode('LockPCR')],
    ['a missing field', encode(new Map([['ExtendPCR', index]]))],
    ['an unknown field', encode(new Map([['LockPCR', new Map([['index', 1], ['x', 1]])]]))],
    ['a negative index', encode(new Map([['LockPCR', new Map([['index', -1]])]]))],
    ['a fractional index', encode(new Map([['LockPCR', new Map([['index', 1.5]])]]))],
    ['a range that is text', encode(new Map([['LockPCRs', new Map([['range', '1']])]]))],
    ['data that is text', encode(new Map([['ExtendPCR', new Map<string, unknown>([['index', 16], ['data', 'x']])]]))],
    ['a nonce that is text', encode(new Map([['Attestation', new Map([['nonce', 'x']])]]))],
    ['an unknown attestation field', encode(new Map([['Attestation', new Map([['extra', null]])]]))],
    ['a duplicate field', hex('a1674c6f636b504352a265696e6465781065696e64657811')],
    ['a tagged value', hex('a1674c6f636b504352a165696e646578c110')],
  ])('%s', (_, bytes) => {
    expect(decodeNsmRequest(bytes)).toBeUndefined()
  })

  test('absent attestation fields are null', () => {
    expect(decodeNsmRequest(encode(new Map([['Attestation', new Map()]])))).toEqual({ op: 'Attestation', userData: null, nonce: null, publicKey: null })
  })
})

describe('answers', () => {
  test('may have indefinite lengths', () => {
    expect(decodeNsmResponse(hex('bf694578 74656e64504352bf6464617461 41 01 ffff'.replaceAll(' ', '')))).toEqual({ op: 'ExtendPCR', data: Uint8Array.of(1) })
  })

  test.each(NSM_ERROR_CODES)('the error %s', (code) => {
    expect(decodeNsmResponse(encodeNsmResponse({ op: 'Error', code }))).toEqual({ op: 'Error', code })
  })

  test.each<[string, Uint8Array]>([
    ['malformed CBOR', Uint8Array.of(0xa1)],
    ['a trailing byte', concat(encode('LockPCR'), Uint8Array.of(0))],
    ['an unknown error', encode(new Map([['Error', 'OutOfCoffee']]))],
    ['an error that is a number', encode(new Map([['Error', 1]]))],
    ['an error without a code', encode('Error')],
    ['an unknown operation', encode('Bogus')],
    ['no data', encode(new Map([['ExtendPCR', new Map()]]))],
    ['random that is text', encode(new Map([['GetRandom', new Map([['random', 'x']])]]))],
    ['no document', encode(new Map([['Attestation', new Map([['document', null]])]]))],
    ['a lock that is a number', encode(new Map([['DescribePCR', new Map<string, unknown>([['data', new Uint8Array(48)], ['lock', 1]])]]))],
    ['a locked PCR that is text', encode(new Map([['DescribeNSM', { digest: 'SHA384', module_id: 'i', max_pcrs: 32, locked_pcrs: ['0'] }]]))],
    ['no digest', encode(new Map([['DescribeNSM', { module_id: 'i', max_pcrs: 32, locked_pcrs: [0] }]]))],
  ])('that are none: %s', (_, bytes) => {
    expect(decodeNsmResponse(bytes)).toBeUndefined()
  })
})
