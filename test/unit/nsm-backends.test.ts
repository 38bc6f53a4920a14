/** One interface, two back ends: the driver's ioctl and the simulator's socket, each asked the same bytes that QEMU's device was asked, give the same answers. */
import { existsSync, readFileSync } from 'node:fs'
import { duplexPair } from 'node:stream'
import { decodeNsmResponse, NSM_REQUEST_MAX_BYTES } from '../../enclave-sim/platform/nsm-codec.ts'
import { openNsmDevice, type Koffi } from '../../enclave-sim/platform/nsm-device.ts'
import { createFrameReader, encodeFrame } from '../../enclave-sim/platform/nsm-frames.ts'
import { createNsmStreamTransport } from '../../enclave-sim/platform/nsm-socket.ts'
import { createNsm, type NsmTransport } from '../../enclave-sim/platform/nsm.ts'
import { createSimulatedNsm, type SimulatedNsm } from '../../enclave-sim/platform/simulator/device.ts'
import { fromHex, toHex, utf8 } from '../../lib/protocol/bytes.ts'

interface Call {
  readonly name: string
  readonly request_hex: string
  readonly response_hex: string
}

const hex = (text: string): Uint8Array => fromHex(text) as Uint8Array
const path = '../shared/vectors/nsm/nitro-enclave.json'
const calls = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { calls: Call[] }).calls : []
if (calls.length === 0) console.log(`skipped: no vectors in ${path}`)
/** A buffer that is too small is the driver's caller's mistake, and one that is too big no request: neither reaches a device. Documents are signed. */
const replayed = calls.filter(({ name }) => !['GetRandomSmallBuf', 'TooBig'].includes(name) && !name.startsWith('Attestation'))

/** A libc whose ioctl is the device, or rather what the driver recorded of one. */
async function overIoctl(answer: (request: Uint8Array) => Uint8Array): Promise<NsmTransport> {
  const buffers: Uint8Array[] = []
  const koffi: Koffi = {
    load: () => ({
      func: () => (_fd, _code, _type, argument) => {
        const words = new DataView((argument as Uint8Array).buffer, (argument as Uint8Array).byteOffset)
        const [from, length, to] = [0, 8, 16].map((at) => Number(words.getBigUint64(at, true))) as [number, number, number]
        const response = answer(Uint8Array.from((buffers[from] as Uint8Array).subarray(0, length)))
        ;(buffers[to] as Uint8Array).set(response)
        words.setBigUint64(24, BigInt(response.length), true)
        return 0
      },
    }),
    address: (buffer) => BigInt(buffers.push(buffer) - 1),
    errno: () => 0,
    os: { errno: { EMSGSIZE: 90 } },
  }
  return openNsmDevice({ koffi, path: '/dev/null' })
}

function overSocket(device: SimulatedNsm): NsmTransport {
  const [near, far] = duplexPair()
  const read = createFrameReader(NSM_REQUEST_MAX_BYTES)
  far.on('data', (chunk: Uint8Array) => {
    for (const request of read(chunk) ?? []) void device.handle(request).then((answer) => far.write(encodeFrame(answer)))
  })
  return createNsmStreamTransport(near, () => undefined)
}

function simulated(): SimulatedNsm {
  const told = (name: string) => decodeNsmResponse(hex(calls.find((call) => call.name === name)?.response_hex ?? ''))
  const [described, pcr0, random] = [told('DescribeNSM'), told('DescribePCR0'), told('GetRandom')]
  return createSimulatedNsm({
    pcrs: new Map(pcr0?.op === 'DescribePCR' ? [[0, pcr0.data]] : []),
    moduleId: described?.op === 'DescribeNSM' ? described.moduleId : 'i-none',
    nowMs: () => 0,
    random: () => (random?.op === 'GetRandom' ? random.random : new Uint8Array(1)),
    signDocument: async () => new Uint8Array(1),
  })
}

const suite = calls.length > 0 ? describe : describe.skip

suite('the recorded calls', () => {
  test('by ioctl: every request arrives byte for byte, and every answer comes back so', async () => {
    const asked: string[] = []
    let at = 0
    const transport = await overIoctl((request) => {
      asked.push(toHex(request))
      return hex(replayed[at++]?.response_hex ?? '')
    })
    for (const { name, request_hex, response_hex } of replayed) expect([name, toHex(await transport.request(hex(request_hex)))]).toEqual([name, response_hex])
    expect(asked).toEqual(replayed.map(({ request_hex }) => request_hex))
  })

  test('by the simulator’s socket: the same answers', async () => {
    const transport = overSocket(simulated())
    expect(replayed.length).toBeGreaterThanOrEqual(8)
    for (const { name, request_hex, response_hex } of replayed) expect([name, toHex(await transport.request(hex(request_hex)))]).toEqual([name, response_hex])
  })

  test('one bit more in an answer is noticed: the comparison can fail', async () => {
    const first = replayed.find(({ name }) => name === 'ExtendPCR16') as Call
    const [socket, other] = [overSocket(simulated()), hex(first.response_hex)]
    other[other.length - 1] = (other.at(-1) as number) ^ 1
    expect(toHex(await socket.request(hex(first.request_hex)))).not.toBe(toHex(other))
  })
})

test('the interface makes no difference between them', async () => {
  const device = simulated()
  const answers = new Map<string, Uint8Array>()
  const recording: NsmTransport = {
    async request(bytes) {
      const answer = await device.handle(bytes)
      answers.set(toHex(bytes), answer)
      return answer
    },
  }
  const ask = async (transport: NsmTransport): Promise<unknown[]> => {
    const nsm = createNsm(transport)
    return [await nsm.describePcr(0), toHex(await nsm.extendPcr(16, utf8('abc'))), await nsm.lockPcr(16), await nsm.extendPcr(16, utf8('x')).catch((error: { code: string }) => error.code)]
  }
  const first = await ask(recording)
  expect(first.at(-1)).toBe('ReadOnlyIndex')
  expect(await ask(await overIoctl((request) => answers.get(toHex(request)) as Uint8Array))).toEqual(first)
  expect(await ask(overSocket(simulated()))).toEqual(first)
})
