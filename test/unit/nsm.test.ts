import { duplexPair } from 'node:stream'
import { encodeNsmResponse, NSM_REQUEST_MAX_BYTES, type NsmResponse } from '../../enclave-sim/platform/nsm-codec.ts'
import { openNsmDevice, type Koffi } from '../../enclave-sim/platform/nsm-device.ts'
import { createFrameReader, encodeFrame } from '../../enclave-sim/platform/nsm-frames.ts'
import { createNsmStreamTransport } from '../../enclave-sim/platform/nsm-socket.ts'
import { createNsm } from '../../enclave-sim/platform/nsm.ts'
import { concat, utf8 } from '../../lib/protocol/bytes.ts'

const answering = (response: NsmResponse) => createNsm({ request: async () => encodeNsmResponse(response) })

describe('createNsm', () => {
  test('returns what the device tells', async () => {
    const data = new Uint8Array(48).fill(7)
    expect(await answering({ op: 'DescribePCR', data, lock: true }).describePcr(0)).toEqual({ locked: true, data })
    expect(await answering({ op: 'ExtendPCR', data }).extendPcr(16, data)).toEqual(data)
    expect(await answering({ op: 'Attestation', document: data }).attest({ publicKey: null, userData: null, nonce: null })).toEqual(data)
    const described = { digest: 'SHA384', maxPcrs: 32, moduleId: 'i-x', lockedPcrs: [0, 1] }
    expect(await answering({ op: 'DescribeNSM', ...described }).describe()).toEqual(described)
  })

  test('rejects the answer to another question', async () => {
    await expect(answering({ op: 'LockPCRs' }).lockPcr(16)).rejects.toMatchObject({ code: 'InvalidResponse' })
    await expect(answering({ op: 'ExtendPCR', data: new Uint8Array(48) }).random()).rejects.toMatchObject({ code: 'InvalidResponse' })
  })

  test('rejects a PCR that has not 48 bytes, no random bytes, and too many', async () => {
    await expect(answering({ op: 'ExtendPCR', data: new Uint8Array(32) }).extendPcr(16, new Uint8Array(1))).rejects.toMatchObject({ code: 'InvalidResponse' })
    await expect(answering({ op: 'DescribePCR', data: new Uint8Array(0), lock: true }).describePcr(1)).rejects.toMatchObject({ code: 'InvalidResponse' })
    await expect(answering({ op: 'GetRandom', random: new Uint8Array(0) }).random()).rejects.toMatchObject({ code: 'InvalidResponse' })
    await expect(answering({ op: 'GetRandom', random: new Uint8Array(257) }).random()).rejects.toMatchObject({ code: 'InvalidResponse' })
  })

  test('rejects an answer longer than the device could write', async () => {
    const long = answering({ op: 'Attestation', document: new Uint8Array(0x3000) })
    await expect(long.attest({ publicKey: null, userData: null, nonce: null })).rejects.toMatchObject({ code: 'InvalidResponse' })
  })

  test('asks nothing that the driver would refuse', async () => {
    let asked = 0
    const nsm = createNsm({
      async request() {
        asked += 1
        return new Uint8Array(0)
      },
    })
    await expect(nsm.extendPcr(16, new Uint8Array(NSM_REQUEST_MAX_BYTES))).rejects.toMatchObject({ code: 'InputTooLarge' })
    expect(asked).toBe(0)
  })
})

describe('frames', () => {
  const one = encodeFrame(utf8('one'))
  const two = encodeFrame(utf8('two!'))

  test('carry a big-endian length', () => {
    expect([...one]).toEqual([0, 0, 0, 3, ...utf8('one')])
  })

  test('arrive whole, however the stream is cut', () => {
    for (let size = 1; size <= one.length + two.length; size++) {
      const stream = concat(one, two)
      const read = createFrameReader(16)
      const frames: Uint8Array[] = []
      for (let at = 0; at < stream.length; at += size) frames.push(...(read(stream.subarray(at, at + size)) ?? []))
      expect(frames).toEqual([utf8('one'), utf8('two!')])
    }
  })

  test('rejects a length of zero and one above the limit, before the content is there', () => {
    expect(createFrameReader(16)(Uint8Array.of(0, 0, 0, 0))).toBeUndefined()
    expect(createFrameReader(16)(Uint8Array.of(0, 0, 0, 17))).toBeUndefined()
    expect(createFrameReader(16)(Uint8Array.of(0, 0, 0, 16))).toEqual([])
  })
})

function connected() {
  const [near, far] = duplexPair()
  let closed = 0
  const transport = createNsmStreamTransport(near, () => (closed += 1))
  const asked: string[] = []
  const read = createFrameReader(0x1000)
  far.on('data', (chunk: Uint8Array) => asked.push(...(read(chunk) ?? []).map((frame) => new TextDecoder().decode(frame))))
  return { far, transport, asked, closed: () => closed }
}
const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('stream transport', () => {
  test('keeps one request in flight, and the order', async () => {
    const { far, transport, asked } = connected()
    const answers = [transport.request(utf8('a')), transport.request(utf8('b'))]
    await settle()
    expect(asked).toEqual(['a'])
    far.write(encodeFrame(utf8('A')))
    expect(await answers[0]).toEqual(utf8('A'))
    await settle()
    expect(asked).toEqual(['a', 'b'])
    far.write(encodeFrame(utf8('B')))
    expect(await answers[1]).toEqual(utf8('B'))
    far.destroy()
  })

  test('fails what waits and what comes later once the other end is gone, and says so once', async () => {
    const { far, transport, closed } = connected()
    const waiting = [transport.request(utf8('a')), transport.request(utf8('b'))].map((answer) => expect(answer).rejects.toThrow('gone'))
    await settle()
    far.end()
    await Promise.all(waiting)
    await expect(transport.request(utf8('c'))).rejects.toThrow('gone')
    expect(closed()).toBe(1)
  })

  test.each<[string, Uint8Array]>([
    ['an answer to no question', encodeFrame(utf8('A'))],
    ['a frame above the limit', Uint8Array.of(0, 0, 0x30, 1)],
  ])('closes on %s', async (_, bytes) => {
    const { far, closed } = connected()
    far.write(bytes)
    await settle()
    expect(closed()).toBe(1)
  })

  test('closes on two answers to one question', async () => {
    const { far, transport, closed } = connected()
    const answer = expect(transport.request(utf8('a'))).rejects.toThrow('gone')
    await settle()
    far.write(concat(encodeFrame(utf8('A')), encodeFrame(utf8('B'))))
    await answer
    expect(closed()).toBe(1)
  })
})

const open = (koffi: Koffi) => openNsmDevice({ koffi, path: '/dev/null' })

describe('device transport', () => {
  const EMSGSIZE = 90

  /** A koffi whose ioctl works on the buffers it was told the addresses of. */
  function fakeKoffi(ioctl: (request: Uint8Array, response: Uint8Array) => { rc: number; length: number; errno?: number }) {
    const buffers: Uint8Array[] = []
    let errno = 0
    const seen: { code: unknown; type: unknown }[] = []
    const koffi: Koffi = {
      load: () => ({
        func: () => (_fd, code, type, argument) => {
          seen.push({ code, type })
          const bytes = argument as Uint8Array
          const view = new DataView(bytes.buffer, bytes.byteOffset)
          const [at, length, to, room] = [0, 8, 16, 24].map((offset) => Number(view.getBigUint64(offset, true))) as [number, number, number, number]
          const result = ioctl((buffers[at] as Uint8Array).subarray(0, length), (buffers[to] as Uint8Array).subarray(0, room))
          view.setBigUint64(24, BigInt(result.length), true)
          errno = result.errno ?? 0
          return result.rc
        },
      }),
      address: (buffer) => BigInt(buffers.push(buffer) - 1),
      errno: () => errno,
      os: { errno: { EMSGSIZE } },
    }
    return { koffi, seen, buffers }
  }

  test('hands over the request and takes as much answer as was written', async () => {
    const { koffi, seen, buffers } = fakeKoffi((request, response) => {
      expect([...request]).toEqual([1, 2, 3])
      expect(response.length).toBe(0x3000)
      response.set([9, 8])
      return { rc: 0, length: 2 }
    })
    expect([...(await (await open(koffi)).request(Uint8Array.of(1, 2, 3)))]).toEqual([9, 8])
    expect(seen).toEqual([{ code: 0xc0200a00, type: 'void *' }])
    expect(buffers.every((buffer) => buffer.every((byte) => byte === 0))).toBe(true)
  })

  test.each<[string, { rc: number; length: number; errno?: number }, string]>([
    ['EMSGSIZE', { rc: -1, length: 0x3000, errno: EMSGSIZE }, 'InputTooLarge'],
    ['another errno', { rc: -1, length: 0x3000, errno: 5 }, 'InternalError'],
    ['no answer', { rc: 0, length: 0 }, 'InvalidResponse'],
    ['an answer longer than its buffer', { rc: 0, length: 0x3001 }, 'InvalidResponse'],
  ])('rejects on %s', async (_, result, code) => {
    const { koffi } = fakeKoffi(() => result)
    await expect((await open(koffi)).request(Uint8Array.of(1))).rejects.toMatchObject({ code })
  })

  test('rejects a request above the limit without a call', async () => {
    const { koffi, seen } = fakeKoffi(() => ({ rc: 0, length: 1 }))
    await expect((await open(koffi)).request(new Uint8Array(0x1001))).rejects.toMatchObject({ code: 'InputTooLarge' })
    expect(seen).toEqual([])
  })

  test('rejects when there is no device', async () => {
    const { koffi } = fakeKoffi(() => ({ rc: 0, length: 1 }))
    await expect(openNsmDevice({ koffi, path: '/dev/no-such-nsm' })).rejects.toThrow('ENOENT')
  })
})
