/** What the enclave reads from the host, from AWS, and of its own. */
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { BerError, createBerReader } from '../../../enclave-sim/core/ber.ts'
import { EnvelopeError, openEnvelope } from '../../../enclave-sim/core/cms.ts'
import { readConfiguration } from '../../../enclave-sim/core/configuration.ts'
import type { Enclave } from '../../../enclave-sim/core/enclave.ts'
import { mnemonicBytes, mnemonicEntropy } from '../../../enclave-sim/core/mnemonic.ts'
import { KmsRefusal } from '../../../enclave-sim/core/ports.ts'
import { open, seal } from '../../../enclave-sim/core/sealing.ts'
import { ARGON2, decodeState, encodeState, type WalletState } from '../../../enclave-sim/core/state.ts'
import { AwsError, createAwsJson, fromBase64, toBase64 } from '../../../enclave-sim/platform/aws-json.ts'
import { createCredentialSource, readCredentials } from '../../../enclave-sim/platform/credentials.ts'
import { createKms } from '../../../enclave-sim/platform/kms.ts'
import { createHostDoor, createServiceDoor } from '../../../enclave-sim/platform/listener.ts'
import { decodeNsmRequest, decodeNsmResponse, encodeNsmRequest, encodeNsmResponse, type NsmRequest, type NsmResponse } from '../../../enclave-sim/platform/nsm-codec.ts'
import { createFrameReader, encodeFrame } from '../../../enclave-sim/platform/nsm-frames.ts'
import { createSimulatedNsm } from '../../../enclave-sim/platform/simulator/device.ts'
import { concat, utf8 } from '../../../lib/protocol/bytes.ts'
import { CloisterError } from '../../../lib/protocol/errors.ts'
import { encodeServiceRequest } from '../../../lib/protocol/service.ts'
import { sealEnvelope } from '../../../local/kms/envelope.ts'
import { ACCOUNT, b, PERMISSIONS, RECORD } from './protocol.ts'
import { bytesTarget, row, valueTarget, type Row } from './target.ts'
import { configurationBytes } from '../core-world.ts'

const state: WalletState = {
  argon2: { salt: b(16), ...ARGON2 }, seedDigest: b(32), recoverySeal: b(60), kind: 'mnemonic', label: 'Spending', accounts: [ACCOUNT], permissions: PERMISSIONS, fingerprint: b(32),
  createdAtMs: 5, idempotencyKey: b(32), recent: [{ key: b(16), content: b(32), atMs: 6 }], recoveryKey: b(32), recoveryMadeAtMs: 3, factor: { secret: b(20), lastStep: 4, lastRequest: b(16), operations: ['sign'], confirmed: true },
  export: { what: 'backup', path: null, readyAtMs: 5 }, goneAtMs: 9, receipts: { privateKey: b(32), publicKey: b(64), storageKey: b(32), count: 1, head: b(32), tail: [b(20)] },
}
const bare: WalletState = { ...state, recoverySeal: null, recoveryKey: null, factor: null, export: null, goneAtMs: null, recent: [], accounts: [] }

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const recipientId = new Uint8Array(createHash('sha256').update(rsa.publicKey.export({ type: 'spki', format: 'der' })).digest())

const requests: readonly NsmRequest[] = [
  { op: 'DescribeNSM' }, { op: 'GetRandom' }, { op: 'DescribePCR', index: 3 }, { op: 'LockPCR', index: 31 }, { op: 'ExtendPCR', index: 16, data: b(40) }, { op: 'LockPCRs', range: 17 },
  { op: 'Attestation', userData: b(30), nonce: null, publicKey: b(32) },
]
const responses: readonly NsmResponse[] = [
  { op: 'DescribeNSM', digest: 'SHA384', maxPcrs: 32, moduleId: 'i-0-enc0', lockedPcrs: [0, 1, 2] }, { op: 'DescribePCR', data: b(48), lock: true }, { op: 'ExtendPCR', data: b(48) }, { op: 'LockPCR' },
  { op: 'LockPCRs' }, { op: 'GetRandom', random: b(256) }, { op: 'Attestation', document: b(300) }, { op: 'Error', code: 'InvalidIndex' },
]

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef'
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG', sessionToken: 'token', expiresAtMs: 5 }

/** A client whose service answers with these. */
function awsAnswering(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array) {
  const source = createCredentialSource()
  source.replace(credentials)
  return createAwsJson({
    service: 'kms', region: 'us-east-1', endpoint: null, credentials: source, nowMs: () => 0, timeoutMs: 60_000, attempts: 1,
    post: ({ signal }) => (signal.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve({ status, headers, body })),
  })
}
const isAwsError = (error: unknown): boolean => error instanceof AwsError || (error instanceof Error && error.message === 'AWS answered something else than JSON')

/** Walks everything, as far as it goes. */
function walkBer(bytes: Uint8Array): number {
  const walk = (reader: ReturnType<typeof createBerReader>, depth: number): number => {
    let count = 0
    for (let tag = reader.next(); tag !== undefined; tag = reader.next()) {
      count += 1
      if ((tag & 0x20) === 0) reader.read(tag)
      else if (depth > 20) reader.element()
      else count += walk(reader.enter(tag), depth + 1)
    }
    reader.end()
    return count
  }
  return walk(createBerReader(bytes), 0)
}

/** Everything beyond the doors does nothing. */
const idle = {
  phase: 'serving', reason: undefined, allows: () => true,
  handle: () => Promise.resolve({ outcome: 'busy', code: 'busy', retryAfterSec: null }),
  offer: () => Promise.resolve({ document: b(10), key: b(16) }), channelIds: () => [b(16)], status: () => ({}), attest: () => Promise.resolve(b(3)),
  rotateChannelKey: () => Promise.resolve(), drain: () => undefined, resume: () => undefined,
  configure: (bytes: Uint8Array) => (readConfiguration(bytes) === undefined ? Promise.reject(new CloisterError('internal')) : Promise.resolve()),
} as unknown as Enclave

const http = (method: string, path: string, body: Uint8Array): Uint8Array => concat(utf8(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`), body)

/** Throws bytes at a door, and asks after its health: whatever came, it is there for the next one. */
function doorRow(name: string, makeServer: () => ReturnType<typeof createServiceDoor>, seeds: readonly Uint8Array[]): Row {
  return row(`enclave-sim/platform/listener.ts ${name}`, async () => {
    const server = makeServer()
    // The idle time of a request that never ends is not what is tried here.
    server.requestTimeout = 50
    server.headersTimeout = 50
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.unref()
    const { port } = server.address() as AddressInfo
    const talk = (bytes: Uint8Array): Promise<string> =>
      new Promise((resolve) => {
        const chunks: Buffer[] = []
        const socket = connectTcp({ port, host: '127.0.0.1' })
        socket.on('data', (chunk) => chunks.push(chunk))
        socket.on('error', () => undefined)
        socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
        socket.end(bytes)
      })
    return bytesTarget('raw', {
      seeds,
      async decode(bytes) {
        await talk(bytes)
        const health = await talk(http('GET', '/v1/health', new Uint8Array()))
        if (!health.startsWith('HTTP/1.1 200')) throw new Error('the door is shut')
        return true
      },
    })
  })
}

const platform = (name: string): string => `enclave-sim/platform/${name}`

export const enclaveRows: readonly Row[] = [
  row('enclave-sim/core/state.ts decodeState', () => bytesTarget('cbor', { seeds: [encodeState(state), encodeState(bare)], decode: decodeState, encode: encodeState })),
  row('enclave-sim/core/configuration.ts readConfiguration', () => bytesTarget('json', { seeds: [configurationBytes()], decode: readConfiguration })),
  row('enclave-sim/core/sealing.ts open', () => {
    const binding = { format: 1, owner: 'o', wallet: 'w', version: 5, kmsKey: 'arn' }
    return bytesTarget('raw', { seeds: [seal(b(32), b(50), binding, 'seed')], decode: (sealed) => open(b(32), sealed, binding, 'seed') })
  }),
  row('enclave-sim/core/ber.ts createBerReader', () => bytesTarget('der', { seeds: [sealEnvelope(b(32), createPublicKey(rsa.publicKey.export({ type: 'spki', format: 'pem' })))], decode: walkBer, throws: (error) => error instanceof BerError })),
  row('enclave-sim/core/cms.ts openEnvelope', () =>
    bytesTarget('der', { seeds: [sealEnvelope(b(32), rsa.publicKey), sealEnvelope(b(1), rsa.publicKey)], decode: (bytes) => openEnvelope(bytes, { privateKey: rsa.privateKey, id: recipientId }), throws: (error) => error instanceof EnvelopeError })),
  row('enclave-sim/core/mnemonic.ts mnemonicEntropy', () => bytesTarget('raw', { seeds: [16, 20, 24, 28, 32].map((length) => mnemonicBytes(b(length, length * 7))), decode: mnemonicEntropy, encode: mnemonicBytes })),

  row(platform('nsm-codec.ts decodeNsmRequest'), () =>
    // The device's format has many encodings for one request: read again, it is the same.
    bytesTarget('cbor', { seeds: requests.map(encodeNsmRequest), decode: decodeNsmRequest, encode: (request, input) => sameAgain(request, decodeNsmRequest(encodeNsmRequest(request)), input) })),
  row(platform('nsm-codec.ts decodeNsmResponse'), () =>
    bytesTarget('cbor', { seeds: responses.map(encodeNsmResponse), decode: decodeNsmResponse, encode: (response, input) => sameAgain(response, decodeNsmResponse(encodeNsmResponse(response)), input) })),
  row(platform('nsm-frames.ts createFrameReader'), () =>
    bytesTarget('raw', {
      seeds: [concat(encodeFrame(b(5)), encodeFrame(b(40))), encodeFrame(b(100))],
      decode(stream) {
        const read = createFrameReader(100)
        const frames: Uint8Array[] = []
        for (let at = 0; at < stream.length; at += 7) {
          const found = read(stream.subarray(at, at + 7))
          if (found === undefined) return undefined
          frames.push(...found)
        }
        return frames
      },
      // What is whole comes out as it went in; the rest waits.
      encode: (frames, input) => concat(concat(...frames.map(encodeFrame)), input.subarray(frames.reduce((sum, frame) => sum + 4 + frame.length, 0))),
    })),
  row(platform('simulator/device.ts createSimulatedNsm'), () => {
    const device = createSimulatedNsm({ pcrs: new Map(), moduleId: 'i-0-enc0', signDocument: () => Promise.resolve(b(30)), nowMs: () => 5, random: (length) => b(length) })
    return bytesTarget('cbor', {
      seeds: requests.map(encodeNsmRequest),
      async decode(request) {
        if (decodeNsmResponse(await device.handle(request)) === undefined) throw new Error('the device answered with nonsense')
        return true
      },
    })
  }),
  row(platform('credentials.ts readCredentials'), () => valueTarget('json', { seeds: [credentials], decode: readCredentials, encode: (read) => read })),
  row(platform('aws-json.ts fromBase64'), () => valueTarget('json', { seeds: ['', 'AQID', 'AQI=', 'AQ=='], decode: fromBase64, encode: toBase64 })),
  row(platform('aws-json.ts createAwsJson'), () => bytesTarget('json', { seeds: [utf8('{"KeyId":"k","CiphertextBlob":"AQID"}')], decode: (body) => awsAnswering(200, {}, body)('Decrypt', {}), throws: isAwsError })),
  row(`${platform('aws-json.ts createAwsJson')}, errors`, () =>
    bytesTarget('json', {
      seeds: [utf8('{"__type":"com.amazonaws.kms#AccessDeniedException:http://x","message":"no"}'), utf8('{"code":"ThrottlingException"}')],
      async decode(body) {
        const name = Buffer.from(body).toString('latin1').slice(0, 300)
        for (const headers of [{}, { 'x-amzn-errortype': name }]) {
          const error: unknown = await awsAnswering(400, headers, body)('Decrypt', {}).catch((thrown: unknown) => thrown)
          if (!(error instanceof AwsError) || !/^[A-Za-z]{0,64}$/.test(error.code)) throw new Error('not an AwsError')
        }
        return true
      },
    })),
  row(platform('kms.ts createKms'), () =>
    valueTarget('json', {
      seeds: [{ KeyId: KEY, CiphertextBlob: 'BA==', CiphertextForRecipient: 'BQ==' }],
      async decode(answer) {
        const kms = createKms(() => Promise.resolve(answer as Readonly<Record<string, unknown>>), KEY)
        // A JSON object is what the client hands on.
        if (typeof answer !== 'object' || answer === null) return undefined
        await kms.decrypt(b(1), b(1), {})
        await kms.generateRandom(b(1), 1)
        return kms.generateDataKey(b(1), {})
      },
      throws: (error) => error instanceof KmsRefusal || (error instanceof Error && ['KMS answered for another key', 'KMS did not answer for a Recipient'].includes(error.message)),
    })),
  doorRow('createServiceDoor', () => createServiceDoor(idle), [
    http('POST', '/v1/request', encodeServiceRequest({ token: b(3), header: b(3), enc: b(32), ciphertext: b(20), record: RECORD })), http('POST', '/v1/operator/rotate', utf8('{"now":true}')), http('GET', '/v1/channels', b(0)),
  ]),
  doorRow('createHostDoor', () => createHostDoor(idle, createCredentialSource()), [http('POST', '/v1/credentials', utf8(JSON.stringify(credentials))), http('POST', '/v1/configure', configurationBytes())]),
]

function sameAgain<T>(one: T, other: T | undefined, input: Uint8Array): Uint8Array {
  const text = (value: unknown): string => JSON.stringify(value, (_key, part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part))
  return other !== undefined && text(one) === text(other) ? input : b(0)
}
