/** BIP-32 and SLIP-10 over bytes: the published vectors, what @scure/bip32 derives, and nothing left behind. */
import crypto from 'node:crypto'
import { HDKey } from '@scure/bip32'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { publicKeyOf, withPrivateKey, type Curve } from '../../enclave-sim/core/hd.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'

const seed = new Uint8Array(64).fill(5)
const N = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const asBytes = (scalar: bigint): Uint8Array => hex(scalar.toString(16).padStart(64, '0'))

interface Node {
  readonly privateKey: string
  readonly chainCode: string
  readonly publicKey: string
}

function nodeAt(from: Uint8Array, curve: Curve, path: string): Node {
  return withPrivateKey(from, curve, path, ({ privateKey, chainCode }) => ({
    privateKey: toHex(privateKey),
    chainCode: toHex(chainCode),
    publicKey: toHex(publicKeyOf(curve, privateKey)),
  }))
}

function scureAt(from: Uint8Array, path: string): Node {
  const node = HDKey.fromMasterSeed(from).derive(path)
  return { privateKey: toHex(node.privateKey as Uint8Array), chainCode: toHex(node.chainCode as Uint8Array), publicKey: toHex(node.publicKey as Uint8Array) }
}

describeVectors('hd/bip32.json')('BIP-32', () => {
  const all = vectors<{ seed?: string; path?: string; xprv?: string }>('hd/bip32.json').flatMap(({ seed: from, path, xprv }) =>
    from === undefined || path === undefined || xprv === undefined ? [] : [[path, from, xprv] as const],
  )
  test.each(all)('%s', (path, from, xprv) => {
    const expected = HDKey.fromExtendedKey(xprv)
    const normal = path.replaceAll('H', "'")
    expect(nodeAt(hex(from), 'secp256k1', normal)).toMatchObject({ privateKey: toHex(expected.privateKey as Uint8Array), chainCode: toHex(expected.chainCode as Uint8Array) })
  })
})

describeVectors('hd/slip10.json')('SLIP-10', () => {
  const all = vectors<{ curve: string; seed: string; path: string; chain_code: string; private: string; public: string }>('hd/slip10.json')
  const ours = all.filter(({ curve }) => curve === 'secp256k1' || curve === 'ed25519')
  test.each(ours.map((vector) => [vector.curve, vector.path.replaceAll('H', "'"), vector] as const))('%s %s', (curve, path, vector) => {
    expect(nodeAt(hex(vector.seed), curve as Curve, path)).toEqual({
      privateKey: vector.private,
      chainCode: vector.chain_code,
      publicKey: curve === 'ed25519' ? vector.public.slice(2) : vector.public,
    })
  })
})

describeVectors('hd/ethers-mnemonics.json')('as ethers derives', () => {
  test('every node', () => {
    let seen = 0
    for (const { seed: from, nodes } of vectors<{ seed: string; nodes: { path: string; privateKey: string }[] }>('hd/ethers-mnemonics.json')) {
      for (const { path, privateKey } of seen < 250 ? nodes : nodes.slice(0, 1)) {
        seen += 1
        expect(`0x${nodeAt(hex(from), 'secp256k1', path).privateKey}`).toBe(privateKey)
      }
    }
    expect(seen).toBeGreaterThan(200)
  })
})

describe('any seed and path', () => {
  const index = fc.tuple(fc.oneof(fc.nat(3), fc.nat(2 ** 31 - 1), fc.constant(2 ** 31 - 1)), fc.boolean()).map(([value, hard]) => `${value}${hard ? "'" : ''}`)
  const anySeed = fc.uint8Array({ minLength: 16, maxLength: 64 }).map((bytes) => Uint8Array.from(bytes))

  test('secp256k1: what @scure/bip32 derives', () => {
    fc.assert(
      fc.property(anySeed, fc.array(index, { maxLength: 5 }), (from, parts) => {
        const path = ['m', ...parts].join('/')
        expect(nodeAt(from, 'secp256k1', path)).toEqual(scureAt(from, path))
      }),
      { numRuns: process.env['SLOW'] === '1' ? 2000 : 40 },
    )
  })

  test('public keys: what noble computes, at the ends of the range too', () => {
    const edges = [1n, 2n, N - 1n, N - 2n, N / 2n, 2n ** 128n].map(asBytes)
    for (const key of edges) expect(publicKeyOf('secp256k1', key)).toEqual(new HDKey({ privateKey: key, chainCode: new Uint8Array(32) }).publicKey)
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255), seed.subarray(0, 32)]) expect(publicKeyOf('ed25519', key)).toEqual(ed25519.getPublicKey(key))
  })
})

/** `I` of every HMAC is this. */
function withHmac<T>(result: Uint8Array, run: () => T): T {
  const spy = jest.spyOn(crypto, 'createHmac').mockReturnValue({ update: () => ({ digest: () => Buffer.from(result) }) } as unknown as crypto.Hmac)
  try {
    return run()
  } finally {
    spy.mockRestore()
  }
}

const joined = (left: bigint): Uint8Array => Buffer.concat([asBytes(left), new Uint8Array(32)])

describe('addition mod n, by choosing what HMAC gives', () => {
  // The master key and what is added to it are the same number.
  test.each([1n, N / 2n, (N + 1n) / 2n, N - 1n, 2n ** 255n, 0x00ff00ff00ffn])('%s twice', (left) => {
    expect(withHmac(joined(left), () => withPrivateKey(seed, 'secp256k1', "m/0'", ({ privateKey }) => toHex(privateKey)))).toBe(toHex(asBytes((2n * left) % N)))
  })

  test.each([0n, N, N + 1n, 2n ** 256n - 1n])('rejects %s as a master key', (left) => {
    expect(() => withHmac(joined(left), () => withPrivateKey(seed, 'secp256k1', 'm', () => undefined))).toThrow('no key')
  })

  test('rejects a child that is n or more, or whose sum is 0', () => {
    for (const [first, second] of [[5n, N], [5n, N + 1n], [5n, 2n ** 256n - 1n], [5n, N - 5n], [N - 1n, 1n]] as const) {
      let calls = 0
      const digest = (): Buffer => Buffer.from(joined(calls++ === 0 ? first : second))
      const spy = jest.spyOn(crypto, 'createHmac').mockReturnValue({ update: () => ({ digest }) } as unknown as crypto.Hmac)
      expect(() => withPrivateKey(seed, 'secp256k1', "m/0'", () => undefined)).toThrow('no key')
      spy.mockRestore()
    }
    let calls = 0
    const digest = (): Buffer => Buffer.from(joined(calls++ === 0 ? 5n : 0n))
    const spy = jest.spyOn(crypto, 'createHmac').mockReturnValue({ update: () => ({ digest }) } as unknown as crypto.Hmac)
    expect(withPrivateKey(seed, 'secp256k1', "m/0'", ({ privateKey }) => toHex(privateKey))).toBe(toHex(asBytes(5n)))
    spy.mockRestore()
  })
})

describe('rejects', () => {
  test.each(['', 'M', 'm/', "m//0'", "/0'", "0'", 'm/2147483648', "m/2147483648'", 'm/-1', 'm/x', "m/0''", 'm/0h', 'm/0H', 'm/01', 'm/1.0', 'm/1e3', 'm/ 1', 'm/0x1', 'm/4294967296', 'm/0/', `m${'/0'.repeat(256)}`].map((path) => [path.slice(0, 16), path]))(
    'the path %j',
    (_, path) => {
      expect(() => withPrivateKey(seed, 'secp256k1', path, () => undefined)).toThrow('derivation path')
    },
  )

  test('what is not hardened, on ed25519', () => {
    for (const path of ['m/0', "m/0'/1", "m/44'/501'/0'/0", "m/0/1'"]) expect(() => withPrivateKey(seed, 'ed25519', path, () => undefined)).toThrow('hardened')
  })

  test.each([0, 15, 65])('a seed of %i bytes', (length) => {
    expect(() => withPrivateKey(new Uint8Array(length), 'secp256k1', 'm', () => undefined)).toThrow('seed')
  })

  test('what is no private key', () => {
    for (const key of [0n, N, 2n ** 256n - 1n].map(asBytes)) expect(() => publicKeyOf('secp256k1', key)).toThrow('not a private key')
    for (const curve of ['secp256k1', 'ed25519'] as const) for (const length of [0, 31, 33]) expect(() => publicKeyOf(curve, new Uint8Array(length).fill(1))).toThrow('32 bytes')
  })
})

describe('leaves nothing behind', () => {
  test.each(['secp256k1', 'ed25519'] as const)('%s: the node is wiped after the call, and after a call that throws', (curve) => {
    const seen: Uint8Array[] = []
    withPrivateKey(seed, curve, "m/0'", (node) => seen.push(node.privateKey, node.chainCode))
    expect(() =>
      withPrivateKey(seed, curve, "m/0'", (node) => {
        seen.push(node.privateKey, node.chainCode)
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(seen.map(toHex)).toEqual(seen.map(() => '00'.repeat(32)))
    expect(seed).toEqual(new Uint8Array(64).fill(5))
  })

  test('each HMAC is wiped', () => {
    const digests: Buffer[] = []
    const { createHmac } = crypto
    const spy = jest.spyOn(crypto, 'createHmac').mockImplementation((algorithm, key) => {
      const hmac = createHmac(algorithm, key)
      const digest = hmac.digest.bind(hmac) as () => Buffer
      return Object.assign(hmac, { digest: () => (digests.push(digest()), digests.at(-1)) })
    })
    withPrivateKey(seed, 'secp256k1', "m/44'/60'/0'/0/0", () => undefined)
    spy.mockRestore()
    expect(digests).toHaveLength(6)
    expect(digests.every((digest) => digest.every((byte) => byte === 0))).toBe(true)
  })
})
