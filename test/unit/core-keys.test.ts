/** Keys from a seed: the same as other implementations give, and never a signature that does not verify. */
import crypto, { randomBytes } from 'node:crypto'
import { HDKey } from '@scure/bip32'
import { entropyToMnemonic, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import fc from 'fast-check'
import { privateKeyToAccount } from 'viem/accounts'
import { recoverAddress } from 'viem'
import { deriveAccount, firstAccounts, rootFingerprint, signTask, warmKeys } from '../../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import type { Signature } from '../../lib/chains/chain.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import type { Account } from '../../lib/protocol/operations.ts'
import type { WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import { codeOf, flipped } from '../support/core-codes.ts'

const PATH = "m/44'/60'/0'/0/0"
const seed = new Uint8Array(64).fill(5)
const secretOf = (from: Uint8Array): WalletSecret => ({ kind: 'mnemonic', entropy: new Uint8Array(16), passphrase: new Uint8Array(), seed: from })
const secret = secretOf(seed)
const signDigest = (from: WalletSecret, { path, publicKey }: Account, digest: Uint8Array): Signature => signTask(from, { path, publicKey, scheme: { kind: 'ecdsa', digest } })
const N = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('mnemonics', () => {
  test.each([16, 32])('%i bytes of entropy: the sentence and seed that @scure/bip39 gives', async (length) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: length, maxLength: length }), async (entropy) => {
        const sentence = mnemonicBytes(Uint8Array.from(entropy))
        const expected = entropyToMnemonic(Uint8Array.from(entropy), wordlist)
        expect(Buffer.from(sentence).toString()).toBe(expected)
        expect(toHex(mnemonicSeed(sentence))).toBe(toHex(mnemonicToSeedSync(expected)))
      }),
      { numRuns: process.env['SLOW'] === '1' ? 400 : 12 },
    )
  })

  test('stays outside of the moving heap: over a buffer of its own', () => {
    const sentence = mnemonicBytes(new Uint8Array(32))
    expect(sentence.buffer.byteLength).toBe(24 * 9)
  })
})

describe('derivation', () => {
  test('the account that viem derives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(2 ** 31 - 1), (raw, index) => {
        const path = `m/44'/60'/0'/0/${index}`
        const node = HDKey.fromMasterSeed(Uint8Array.from(raw)).derive(path)
        const account = deriveAccount(secretOf(Uint8Array.from(raw)), 'eip155', path)
        expect(account.address).toBe(privateKeyToAccount(`0x${toHex(node.privateKey as Uint8Array)}`).address)
        expect(account.publicKey).toEqual(node.publicKey)
      }),
      { numRuns: process.env['SLOW'] === '1' ? 250 : 10 },
    )
  })

  test('the first account on each chain; a fingerprint for each seed; the seed is left as it was', () => {
    const before = toHex(seed)
    expect(firstAccounts(secret).map(({ namespace, path }) => [namespace, path])).toEqual([['eip155', PATH], ['bip122', "m/84'/0'/0'"], ['solana', "m/44'/501'/0'/0'"]])
    expect(rootFingerprint(secret)).toHaveLength(32)
    expect(toHex(rootFingerprint(secret))).not.toBe(toHex(rootFingerprint(secretOf(flipped(seed)))))
    warmKeys()
    expect(toHex(seed)).toBe(before)
  })

  test('leaves no private key behind in any node on the way', () => {
    // Each node's key, and the signature's nonce, goes to OpenSSL for its point; and after each, OpenSSL's own copy is replaced.
    const given: Uint8Array[] = []
    const { setPrivateKey } = crypto.ECDH.prototype
    const spy = jest.spyOn(crypto.ECDH.prototype, 'setPrivateKey').mockImplementation(function (this: crypto.ECDH, ...of: unknown[]) {
      given.push(of[0] as Uint8Array)
      Reflect.apply(setPrivateKey, this, of)
    })
    try {
      signDigest(secret, deriveAccount(secret, 'eip155', PATH), new Uint8Array(32).fill(1))
    } finally {
      spy.mockRestore()
    }
    const one = new Uint8Array(32).fill(1, 31)
    expect(given).toHaveLength(14)
    expect(given.map((key) => toHex(key))).toEqual(given.map((_key, i) => toHex(i % 2 === 0 ? new Uint8Array(32) : one)))
  })

  test('rejects unknown chains and paths that lead nowhere', () => {
    expect(codeOf(() => deriveAccount(secret, 'cosmos', PATH))).toBe('chain_unknown')
    for (const path of ['m/2147483648', 'm/x', "m/0''", 'm//0', 'm/-1', 'm/', 'm', "m/44'", "m/44'/0'/0'/0/0"]) expect(codeOf(() => deriveAccount(secret, 'eip155', path))).toBe('account_path_invalid')
    expect(() => deriveAccount(secret, 'eip155', "m/44'/60'/2147483648")).toThrow()
  })
})

describe('signing', () => {
  const account = deriveAccount(secret, 'eip155', PATH)

  test('any digest: deterministic, low s, and the address comes back out of it', async () => {
    await fc.assert(
      fc.asyncProperty(bytes32, async (raw) => {
        const digest = Uint8Array.from(raw)
        const { compact, recovery } = signDigest(secret, account, digest)
        expect(signDigest(secret, account, digest)).toEqual({ compact, recovery })
        const [r, s] = [toHex(compact.subarray(0, 32)), toHex(compact.subarray(32))]
        expect(BigInt(`0x${s}`)).toBeLessThanOrEqual(N / 2n)
        expect(await recoverAddress({ hash: `0x${toHex(digest)}`, signature: { r: `0x${r}`, s: `0x${s}`, yParity: recovery as 0 | 1 } })).toBe(account.address)
      }),
      { numRuns: process.env['SLOW'] === '1' ? 250 : 10 },
    )
  })

  test('rejects an account that is not at its path', () => {
    const digest = randomBytes(32)
    expect(() => signDigest(secret, { ...account, path: "m/44'/60'/0'/0/1" }, digest)).toThrow('another key')
    expect(() => signDigest(secret, { ...account, publicKey: flipped(account.publicKey, 5) }, digest)).toThrow('another key')
    expect(() => signDigest(secretOf(flipped(seed)), account, digest)).toThrow('another key')
  })

  test('rejects to give out a signature that the public key does not verify', () => {
    const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const publicKeyOf = (key: Uint8Array): Uint8Array => new HDKey({ privateKey: key, chainCode: new Uint8Array(32) }).publicKey as Uint8Array
    expect(signEcdsa(one, publicKeyOf(one), two).compact).toHaveLength(64)
    expect(() => signEcdsa(one, publicKeyOf(two), two)).toThrow('does not verify')
  })

  test.each([31, 33, 0, 64])('rejects a digest of %i bytes', (length) => {
    expect(() => signDigest(secret, account, new Uint8Array(length))).toThrow()
  })
})
