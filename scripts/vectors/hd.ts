/**
 * Keys from entropy: BIP-39 by enclave-sim/core/mnemonic.ts (English sentences; seeds of any), BIP-32 by
 * enclave-sim/core/hd.ts and by a library, SLIP-10 on ed25519 by the former. A vector gives several checks: `sentence`, `seed`, `master`, and
 * one for each key.
 */
import { base58check } from '@scure/base'
import { sha256 } from '@noble/hashes/sha2.js'
import { HDKey } from '@scure/bip32'
import { publicKeyOf as pointOf, withPrivateKey } from '../../enclave-sim/core/hd.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { equal, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { hexField, idOf, isObject, list, object, text, UnknownShape, type Json } from './fields.ts'
import { eachFile, type RunFolder } from './folder.ts'
import { must, skip, type Report } from './report.ts'

const ENGLISH: readonly unknown[] = ['english', 'en', undefined]

export const runHd: RunFolder = (folder, report) =>
  eachFile(folder, report, async ({ path, vectors }) => {
    let root: Root = {}
    for (const [index, vector] of vectors.entries()) {
      const id = isObject(vector) && 'name' in vector ? idOf(vector, index) : `#${index}` // titles name several at once
      if (Array.isArray(vector) && vector.length >= 4) await checkMnemonic(report, path, id, fromTuple(vector))
      else if (!isObject(vector)) report.skip(path, 'unknown shape: not a vector')
      else if ('entropy' in vector && 'seed' in vector) await checkMnemonic(report, path, id, vector)
      else if ('bip' in vector) root = await checkPurpose(report, path, id, vector, root)
      else if ('invalid' in vector) report.skip(path, 'extended keys are never read')
      else if ('seed' in vector && 'path' in vector) await report.check(path, id, () => checkDerivation(vector))
      else report.skip(path, 'unknown shape: neither BIP-39 nor BIP-32')
    }
  })

function fromTuple([entropy, mnemonic, seed, xprv]: readonly unknown[]): Json {
  return { entropy, mnemonic, seed, xprv, passphrase: 'TREZOR' }
}

async function checkMnemonic(report: Report, path: string, id: string, vector: Json): Promise<void> {
  const sentence = (): Uint8Array => utf8(text(vector, 'mnemonic' in vector ? 'mnemonic' : 'phraseUtf8').normalize('NFKD'))
  await report.check(path, `${id}/sentence`, () => {
    if (!ENGLISH.includes(vector['lang'] ?? vector['locale'])) skip('sentences are made in English alone')
    must(equal(mnemonicBytes(hexField(vector, 'entropy')), sentence()), 'another sentence')
  })
  await report.check(path, `${id}/seed`, async () => {
    const passphrase = utf8(text(vector, 'passphrase' in vector ? 'passphrase' : 'passwordUtf8').normalize('NFKD'))
    must(equal(mnemonicSeed(sentence(), passphrase), hexField(vector, 'seed')), 'another seed')
  })
  if (vector['xprv'] !== undefined) {
    await report.check(path, `${id}/master`, () => {
      must(HDKey.fromMasterSeed(hexField(vector, 'seed')).privateExtendedKey === text(vector, 'xprv'), 'another master key')
    })
  }
  for (const node of Array.isArray(vector['nodes']) ? list(vector['nodes'], 'nodes') : []) {
    const fields = object(node, 'the node')
    await report.check(path, `${id}/${String(fields['path'])}`, () => {
      const publicKey = checkKeys(hexField(vector, 'seed'), text(fields, 'path'), text(fields, 'xpriv'), text(fields, 'xpub'))
      must(equal(publicKey, hexField(fields, 'publicKey')), 'another public key')
    })
  }
}

/** BIP-32's own vectors, and SLIP-10's. */
function checkDerivation(vector: Json): void {
  const curve = vector['curve'] ?? 'secp256k1'
  const [seed, path] = [hexField(vector, 'seed'), text(vector, 'path').replaceAll(/[hH]/g, "'")]
  if (curve === 'ed25519') return checkEd25519(vector, seed, path)
  if (curve !== 'secp256k1') skip(`derivation on ${String(curve)} is not used`)
  if (vector['xprv'] !== undefined) return void checkKeys(seed, path, text(vector, 'xprv'), text(vector, 'xpub'))
  must(equal(ownPublicKey(seed, path), hexField(vector, 'public')), 'another public key')
  const node = derive(seed, path)
  must(toHex(node.privateKey as Uint8Array) === text(vector, 'private'), 'another private key')
  must(toHex(node.chainCode as Uint8Array) === text(vector, 'chain_code'), 'another chain code')
}

/** SLIP-10: the byte in front of the public key says nothing. */
function checkEd25519(vector: Json, seed: Uint8Array, path: string): void {
  withPrivateKey(seed, 'ed25519', path, ({ privateKey, chainCode }) => {
    must(toHex(privateKey) === text(vector, 'private'), 'another private key')
    must(toHex(chainCode) === text(vector, 'chain_code'), 'another chain code')
    must(`00${toHex(pointOf('ed25519', privateKey))}` === text(vector, 'public'), 'another public key')
  })
}

/** The project's public key, and the library's extended keys; returns the former. */
function checkKeys(seed: Uint8Array, path: string, xprv: string, xpub: string): Uint8Array {
  const publicKey = ownPublicKey(seed, path)
  must(equal(publicKey, publicKeyOf(xpub)), 'another public key')
  const node = derive(seed, path)
  must(node.privateExtendedKey === xprv && node.publicExtendedKey === xpub, 'other extended keys')
  return publicKey
}

function ownPublicKey(seed: Uint8Array, path: string): Uint8Array {
  return withPrivateKey(seed, 'secp256k1', path, ({ privateKey }) => pointOf('secp256k1', privateKey))
}

function derive(seed: Uint8Array, path: string): HDKey {
  const master = HDKey.fromMasterSeed(seed)
  return path === 'm' ? master : master.derive(path)
}

/** The last field of an extended public key (BIP-32), whatever network and purpose its version names. */
function publicKeyOf(xpub: string): Uint8Array {
  try {
    return base58check(sha256).decode(xpub).slice(-33)
  } catch {
    throw new UnknownShape('not an extended key')
  }
}

type Root = { readonly seed?: Uint8Array }

/** BIP-49, 84 and 86: one vector gives the sentence, those after it what comes of it. Returns the root for the next. */
async function checkPurpose(report: Report, path: string, id: string, vector: Json, before: Root): Promise<Root> {
  let root = before
  if (typeof vector['mnemonic'] === 'string') root = { seed: mnemonicSeed(utf8(vector['mnemonic'].normalize('NFKD'))) }
  const at = vector['path'] ?? 'm'
  const expected = vector['pubkey'] ?? vector['xpub'] ?? vector['rootpub']
  if (typeof at === 'string' && typeof expected === 'string') {
    await report.check(path, `${id}/key`, () => {
      if (root.seed === undefined) throw new UnknownShape('no sentence before it')
      const publicKey = expected === vector['pubkey'] ? hexField(vector, 'pubkey') : publicKeyOf(expected)
      must(equal(ownPublicKey(root.seed, at), publicKey), 'another public key')
    })
  } else report.skip(path, 'nothing but a private root, or the sentence for what follows')
  if (typeof vector['address'] === 'string') {
    await report.check(path, `${id}/address`, () => {
      if (root.seed === undefined || typeof at !== 'string') throw new UnknownShape('no sentence before it')
      must(chainOf('bip122').address({ path: at, publicKey: ownPublicKey(root.seed, at), chainCode: null }) === vector['address'], 'another address')
    })
  }
  return root
}
