/** Power-on self-tests: a known answer for each primitive the enclave uses. One failure, and it never serves. */
import { createHash, createHmac, hkdfSync, pbkdf2Sync } from 'node:crypto'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { HDKey } from '@scure/bip32'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { TOKEN_KNOWN_ANSWERS } from '../../lib/tokens/known-answers.ts'
import { aesCbc, aesGcm, aesGcmWeb, ecdsa, hex, hkdfWeb, hpke, hpkeKnown, proof, rsaOaep } from './known-answers.ts'
import { codeAt } from './factor.ts'
import { publicKeyOf, withPrivateKey } from './hd.ts'
import { mnemonicBytes } from './mnemonic.ts'
import { signEd25519, signSchnorr } from './signing.ts'
import type { Argon2id } from './ports.ts'

type Check = (argon2id: Argon2id) => string | Promise<string>

// FIPS 180-4, "abc"
const SHA_256_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
// RFC 5869 §A.1
const HKDF_A1 = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
// The GCM specification, test case 16
const GCM_16 =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b'

/** Name → what to compute, and the answer, with its source. */
export const SELF_TESTS: Readonly<Record<string, readonly [Check, string]>> = {
  sha256: [() => toHex(sha256(utf8('abc'))), SHA_256_ABC],
  sha256Native: [() => createHash('sha256').update('abc').digest('hex'), SHA_256_ABC],
  sha256Web: [async () => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8('abc')))), SHA_256_ABC],
  // FIPS 180-4, "abc"
  sha384: [
    () => createHash('sha384').update('abc').digest('hex'),
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ],
  // FIPS 180-4, "abc"
  sha512: [
    () => createHash('sha512').update('abc').digest('hex'),
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  // Keccak team, empty message
  keccak256: [() => toHex(keccak_256(new Uint8Array())), 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  // RFC 4231 §4.3
  hmac: [() => hmac('sha256'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  hmac512: [
    () => hmac('sha512'),
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ],
  hkdf: [() => toHex(new Uint8Array(hkdfSync('sha256', new Uint8Array(22).fill(11), hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42))), HKDF_A1],
  hkdfWeb: [hkdfWeb, HKDF_A1],
  aesGcm: [aesGcm, GCM_16],
  aesGcmWeb: [aesGcmWeb, GCM_16],
  // NIST SP 800-38A §F.2.6
  aesCbc: [aesCbc, '6bc1bee22e409f96e93d7e117393172a'],
  // BIP-39, Trezor's first vector
  pbkdf2: [
    () => pbkdf2Sync(mnemonicBytes(new Uint8Array(16)), 'mnemonicTREZOR', 2048, 64, 'sha512').toString('hex'),
    'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
  ],
  // BIP-32, vector 1: private keys by our own derivation, public keys below an account by @scure/bip32
  bip32: [() => derived('secp256k1', "m/0'/1/2'/2/1000000000"), '022a471424da5e657499d1ff51cb43c47481a03b1e77f951fe64cec9f5a48f7011'],
  bip32Public: [
    () => toHex(HDKey.fromMasterSeed(hex('000102030405060708090a0b0c0d0e0f')).derive("m/0'/1/2'/2/1000000000").publicKey as Uint8Array),
    '022a471424da5e657499d1ff51cb43c47481a03b1e77f951fe64cec9f5a48f7011',
  ],
  // SLIP-10, vector 1 for ed25519 (its public key without the leading 00)
  slip10: [() => derived('ed25519', "m/0'/1'/2'/2'/1000000000'"), '3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a'],
  // Argon2id, 256 KiB, 2 passes; node:crypto's own implementation gives the same
  argon2id: [
    async (argon2id) => {
      const parameters = { memoryKiB: 256, iterations: 2, parallelism: 1, length: 32 }
      return toHex(await argon2id(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), parameters))
    },
    '62293e2bb7d56302045dd5c9428b4da4e37f063dc1d5a47828fd9bcf52bdb53b',
  ],
  // RFC 6979 over secp256k1 with the key 1: the vector that Bitcoin libraries share
  ecdsa: [
    ecdsa,
    '33a69cd2065432a30f3d1ce4eb0d59b8ab58c74f27c41a7fdb5696ad4e6108c96f807982866f785d3f6418d24163ddae117b7db4d5fdf0071de069fa54342262',
  ],
  // BIP-340, vector 0: the key 3, no auxiliary randomness, a message of zeros
  schnorr: [
    () => toHex(signSchnorr(new Uint8Array(32).fill(3, 31), new Uint8Array(32), null).compact),
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
  ],
  // RFC 8032 §7.1, test 1: the empty message
  ed25519: [
    () =>
      toHex(
        signEd25519(
          hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
          hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
          new Uint8Array(),
        ).compact,
      ),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  // RFC 6238, appendix B: 59 seconds, its last six digits
  totp: [() => toHex(codeAt(utf8('12345678901234567890'), 1)), toHex(utf8('287082'))],
  // Of P-256 itself the known answer is tokenEs256's; this is our own use of it
  proof: [proof, 'valid'],
  // RFC 9180's vectors: "Beauty is truth, truth beauty", and the secret exported for no context
  hpke: [hpkeKnown, '4265617574792069732074727574682c20747275746820626561757479ded6cffafaea6b812cbf3e241e88332adbc077aca81512914213810ee291770a'],
  channel: [hpke, 'valid'],
  rsaOaep: [rsaOaep, '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'],
  tokenRs256: [token('rs256'), 'valid'],
  tokenPs384: [token('ps384'), 'valid'],
  tokenEs256: [token('es256'), 'valid'],
  tokenEs384: [token('es384'), 'valid'],
  tokenEs512: [token('es512'), 'valid'],
  tokenEdDsa: [token('eddsa'), 'valid'],
}

export class SelfTestFailure extends Error {
  /** Its name in {@link SELF_TESTS}. */
  readonly primitive: string

  constructor(primitive: string) {
    super(`self-test failed: ${primitive}`)
    this.primitive = primitive
  }
}

/** @throws SelfTestFailure that names the primitive */
export async function runSelfTests(argon2id: Argon2id, tests: typeof SELF_TESTS = SELF_TESTS): Promise<void> {
  for (const [name, [compute, expected]] of Object.entries(tests)) {
    const got = await answerOf(compute, argon2id)
    if (got !== expected) throw new SelfTestFailure(name)
  }
}

async function answerOf(compute: Check, argon2id: Argon2id): Promise<string | undefined> {
  try {
    return await compute(argon2id)
  } catch {
    return undefined
  }
}

function derived(curve: 'secp256k1' | 'ed25519', path: string): string {
  return withPrivateKey(hex('000102030405060708090a0b0c0d0e0f'), curve, path, ({ privateKey }) => toHex(publicKeyOf(curve, privateKey)))
}

// RFC 4231 §4.3
function hmac(algorithm: 'sha256' | 'sha512'): string {
  return createHmac(algorithm, 'Jefe').update('what do ya want for nothing?').digest('hex')
}

function token(name: string): Check {
  return async () => ((await TOKEN_KNOWN_ANSWERS[name]?.()) === true ? 'valid' : 'invalid')
}
