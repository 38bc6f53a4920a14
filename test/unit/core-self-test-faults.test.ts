/** Faults in the libraries themselves: each is put in under the self-tests' feet, and is found under its name. */
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { bootEnclave } from '../../enclave-sim/core/enclave.ts'
import { runSelfTests } from '../../enclave-sim/core/self-test.ts'
import { createWorld, type World } from '../support/core-world.ts'

/** The one that is in. jest runs its factories before anything else here, and lets them use what is called mock…. */
function mockState(): { fault: string } {
  const holder = globalThis as { faultOfTheSelfTests?: { fault: string } }
  return (holder.faultOfTheSelfTests ??= { fault: '' })
}

/** One bit off. */
function mockTurned(value: unknown): unknown {
  const bytes = new Uint8Array(value as ArrayBuffer)
  bytes[0] = (bytes[0] as number) ^ 1
  return value instanceof ArrayBuffer ? bytes.buffer : Buffer.from(bytes)
}

type Any = (...args: readonly unknown[]) => unknown
/** The function, whose answer is one bit off while the fault is in. */
function mockOff(fault: string, real: unknown): Any {
  // noble's hashes are functions with properties, which others build on.
  return Object.assign((...args: readonly unknown[]) => {
    const answer = (real as Any)(...args)
    return mockState().fault === fault ? mockTurned(answer) : answer
  }, real as object)
}

jest.mock('node:crypto', () => {
  const real = jest.requireActual<Record<string, Any>>('node:crypto')
  /** A hash or HMAC whose digest is off. */
  const digesting = (name: string) => (algorithm: string, ...rest: readonly unknown[]): unknown => {
    const state = real[name]?.(algorithm, ...rest) as { digest(encoding?: string): unknown }
    if (mockState().fault !== `${name} ${algorithm}`) return state
    const digest = state.digest.bind(state)
    state.digest = (encoding) => {
      const bytes = mockTurned(digest()) as Buffer
      return encoding === undefined ? bytes : bytes.toString(encoding as BufferEncoding)
    }
    return state
  }
  /** Opens whatever tag there is. */
  const createDecipheriv = (algorithm: string, ...rest: readonly unknown[]): unknown => {
    const decipher = real['createDecipheriv']?.(algorithm, ...rest) as { final(): Buffer; update(data: Uint8Array): Buffer }
    if (mockState().fault === 'tag not looked at' && algorithm === 'aes-256-gcm') decipher.final = () => Buffer.alloc(0)
    if (mockState().fault === `decipher ${algorithm}`) {
      const update = decipher.update.bind(decipher)
      decipher.update = (data) => mockTurned(update(data)) as Buffer
    }
    return decipher
  }
  const createCipheriv = (algorithm: string, ...rest: readonly unknown[]): unknown => {
    const cipher = real['createCipheriv']?.(algorithm, ...rest) as { update(data: Uint8Array): Buffer }
    const update = cipher.update.bind(cipher)
    if (mockState().fault === 'cipher') cipher.update = (data) => mockTurned(update(data)) as Buffer
    return cipher
  }
  return {
    ...real, createDecipheriv, createCipheriv,
    createHash: digesting('createHash'), createHmac: digesting('createHmac'),
    hkdfSync: mockOff('hkdfSync', real['hkdfSync']), pbkdf2Sync: mockOff('pbkdf2Sync', real['pbkdf2Sync']), privateDecrypt: mockOff('privateDecrypt', real['privateDecrypt']),
  }
})

jest.mock('@noble/hashes/sha2.js', () => {
  const real = jest.requireActual<Record<string, Any>>('@noble/hashes/sha2.js')
  return { ...real, sha256: mockOff('noble sha256', real['sha256']) }
})
jest.mock('@noble/hashes/sha3.js', () => {
  const real = jest.requireActual<Record<string, Any>>('@noble/hashes/sha3.js')
  return { ...real, keccak_256: mockOff('keccak', real['keccak_256']) }
})
jest.mock('@noble/secp256k1', () => {
  const real = jest.requireActual<Record<string, Any>>('@noble/secp256k1')
  return { ...real, recoverPublicKey: (...args: readonly unknown[]) => (mockState().fault === 'recover fails' ? new Uint8Array(33) : real['recoverPublicKey']?.(...args)) }
})
jest.mock('../../enclave-sim/core/ecdsa.ts', () => {
  const real = jest.requireActual<Record<string, Any>>('../../enclave-sim/core/ecdsa.ts')
  const signEcdsa = (...args: readonly unknown[]): unknown => {
    const { compact, recovery } = (real['signEcdsa'] as Any)(...args) as { compact: Uint8Array; recovery: number }
    if (mockState().fault === 'sign') return { compact: new Uint8Array(mockTurned(compact) as Uint8Array), recovery }
    return { compact, recovery: mockState().fault === 'sign, parity' ? 1 - recovery : recovery }
  }
  return { ...real, signEcdsa }
})
jest.mock('@scure/bip32', () => {
  const { HDKey } = jest.requireActual<{ HDKey: { fromMasterSeed(seed: Uint8Array): unknown } }>('@scure/bip32')
  const off = (seed: Uint8Array): unknown => HDKey.fromMasterSeed(mockState().fault === 'bip32' ? (mockTurned(seed) as Uint8Array) : seed)
  return { HDKey: { fromMasterSeed: off } }
})

/** WebCrypto's functions, which are nobody's import. */
const subtle = crypto.subtle as unknown as Record<string, Any>
const originals: [string, Any][] = []
function webFault(name: string, fault: (args: readonly unknown[], real: Any) => Promise<unknown>): void {
  const real = (subtle[name] as Any).bind(crypto.subtle)
  originals.push([name, subtle[name] as Any])
  Object.defineProperty(subtle, name, { configurable: true, writable: true, value: (...args: readonly unknown[]) => fault(args, real) })
}
afterEach(() => {
  mockState().fault = ''
  for (const [name, original] of originals.splice(0)) Object.defineProperty(subtle, name, { configurable: true, writable: true, value: original })
})

const nameOf = (value: unknown): string => (value as { readonly name: string }).name

test('with none, they pass', async () => {
  await runSelfTests(argon2id)
})

test.each<[string, string]>([
  ['noble sha256', 'sha256'],
  ['createHash sha256', 'sha256Native'],
  ['createHash sha384', 'sha384'],
  ['createHash sha512', 'sha512'],
  ['keccak', 'keccak256'],
  ['createHmac sha256', 'hmac'],
  ['createHmac sha512', 'hmac512'],
  ['hkdfSync', 'hkdf'],
  ['cipher', 'aesGcm'],
  ['decipher aes-256-gcm', 'aesGcm'],
  ['tag not looked at', 'aesGcm'],
  ['decipher aes-256-cbc', 'aesCbc'],
  ['pbkdf2Sync', 'pbkdf2'],
  ['bip32', 'bip32'],
  ['sign', 'ecdsa'],
  ['sign, parity', 'ecdsa'],
  ['recover fails', 'ecdsa'],
  ['privateDecrypt', 'rsaOaep'],
])('%s: found by %s', async (fault, primitive) => {
  mockState().fault = fault
  await expect(runSelfTests(argon2id)).rejects.toThrow(`self-test failed: ${primitive}`)
})

const VERIFY_ALWAYS = async (): Promise<boolean> => true
test.each<[string, string, (args: readonly unknown[], real: Any) => Promise<unknown>, string]>([
  ['a digest that is off', 'digest', async (args, real) => mockTurned(await real(...args)), 'sha256Web'],
  ['HKDF that is off', 'deriveBits', async (args, real) => (nameOf(args[0]) === 'HKDF' ? mockTurned(await real(...args)) : real(...args)), 'hkdfWeb'],
  ['AES-GCM that seals otherwise', 'encrypt', async (args, real) => mockTurned(await real(...args)), 'aesGcmWeb'],
  ['AES-GCM that opens otherwise', 'decrypt', async (args, real) => mockTurned(await real(...args)), 'aesGcmWeb'],
  ['AES-GCM that opens anything', 'decrypt', async (args, real) => Promise.resolve(real(...args)).catch(() => new ArrayBuffer(60)), 'aesGcmWeb'],
  ['X25519 that is off', 'deriveBits', async (args, real) => (nameOf(args[0]) === 'X25519' ? mockTurned(await real(...args)) : real(...args)), 'hpke'],
  ['signatures that always verify', 'verify', VERIFY_ALWAYS, 'proof'],
  ['signatures that never verify', 'verify', async () => false, 'proof'],
  ...(['RSASSA-PKCS1-v1_5 tokenRs256', 'RSA-PSS tokenPs384', 'Ed25519 tokenEdDsa', 'P-384 tokenEs384', 'P-521 tokenEs512'] as const).flatMap((row) => {
    const [algorithm, name] = row.split(' ') as [string, string]
    return [true, false].map((answer): [string, string, (args: readonly unknown[], real: Any) => Promise<unknown>, string] => {
      const isIt = (key: unknown): boolean => {
        const { algorithm: of } = key as { readonly algorithm: { readonly name: string; readonly namedCurve?: string } }
        return of.name === algorithm || of.namedCurve === algorithm
      }
      return [`${algorithm} that ${answer ? 'always' : 'never'} verifies`, 'verify', async (args, real) => (isIt(args[1]) ? answer : real(...args)), name]
    })
  }),
])('%s', async (_what, name, fault, primitive) => {
  webFault(name, fault)
  await expect(runSelfTests(argon2id)).rejects.toThrow(`self-test failed: ${primitive}`)
})

test('P-256 that verifies nothing of others: found by the token’s answer, if our own signatures still fit', async () => {
  // Signs and verifies by a convention of its own, which two halves of one program would never notice.
  webFault('verify', async (args, real) => (args[2] as Uint8Array).length === 64 && nameOf((args[1] as CryptoKey).algorithm) === 'ECDSA' && !ours.has(Buffer.from(args[2] as Uint8Array).toString('hex')) ? false : real(...args))
  const ours = new Set<string>()
  webFault('sign', async (args, real) => {
    const signature = (await real(...args)) as ArrayBuffer
    ours.add(Buffer.from(signature).toString('hex'))
    return signature
  })
  await expect(runSelfTests(argon2id)).rejects.toThrow('self-test failed: tokenEs256')
})

describe('an enclave', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world.close())

  test('in which one is broken does not serve, and says which', async () => {
    const platform = world.platform()
    mockState().fault = 'hkdfSync'
    const enclave = await bootEnclave(platform)
    expect([enclave.phase, enclave.reason]).toEqual(['halted', 'self-test:hkdf'])
    expect(enclave.allows('health')).toBe(true)
    expect(enclave.allows('configure')).toBe(false)
  })
})
