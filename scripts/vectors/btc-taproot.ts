/** Taproot: BIP-340's signatures, BIP-341's output keys and key path spending. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { taprootTweakPubkey } from '@scure/btc-signer/utils.js'
import { signSchnorr as sign340 } from '../../enclave-sim/core/schnorr.ts'
import { signSchnorr } from '../../enclave-sim/core/signing.ts'
import { MAINNET } from '../../lib/chains/bitcoin/networks.ts'
import { addressOf, scriptOf } from '../../lib/chains/bitcoin/scripts.ts'
import { taprootDigest } from '../../lib/chains/bitcoin/sighash.ts'
import { encodeSignature } from '../../lib/chains/bitcoin/sign-inputs.ts'
import { decodeSigned } from '../../lib/chains/bitcoin/transaction.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { publicKeyOf } from './btc-keys.ts'
import { bigint, hex, hexField, idOf, integer, isObject, list, object, text, type Json } from './fields.ts'
import { must, type Report } from './report.ts'

/** BIP-340's table: what has a secret key is signed too. */
export function checkSchnorr(vector: Json): void {
  const [publicKey, message, signature] = [hexField(vector, 'public key'), hexField(vector, 'message'), hexField(vector, 'signature')]
  const isValid = text(vector, 'verification result') === 'TRUE'
  let verified = false
  try {
    verified = schnorr.verify(signature, message, publicKey)
  } catch {
    // not verified
  }
  must(verified === isValid, isValid ? 'a valid signature is refused' : 'an invalid signature is accepted')
  const secret = hexField(vector, 'secret key')
  if (secret.length === 0) return
  must(equal(schnorr.getPublicKey(secret), publicKey), 'another public key')
  must(equal(sign340(secret, message, hexField(vector, 'aux_rand')), signature), 'another signature')
}

export function checkOutputKey(vector: Json): void {
  const [given, intermediary, expected] = ['given', 'intermediary', 'expected'].map((name) => object(vector[name], name)) as [Json, Json, Json]
  const internal = hexField(given, 'internalPubkey')
  const leaves = leavesOf(given['scriptTree'])
  const root = leaves.root ?? new Uint8Array()
  must(toHex(root) === (intermediary['merkleRoot'] ?? ''), 'another Merkle root')
  const script = scriptOf('p2tr', concat(Uint8Array.of(2), internal), root)
  must(equal(script.subarray(2), hexField(intermediary, 'tweakedPubkey')), 'another output key')
  must(equal(script, hexField(expected, 'scriptPubKey')), 'another script')
  must(addressOf(script, MAINNET) === text(expected, 'bip350Address'), 'another address')
  const parity = taprootTweakPubkey(internal, root)[1]
  for (const [i, block] of list(expected['scriptPathControlBlocks'] ?? [], 'control blocks').entries()) {
    const { version, path } = leaves.byId.get(i) ?? { version: 0, path: [] }
    must(equal(concat(Uint8Array.of(version | parity), internal, ...path), hex(block, 'a control block')), 'another control block')
  }
}

interface Leaf {
  readonly version: number
  readonly path: readonly Uint8Array[]
}

/** The root of a tree as BIP-341 writes it in its vectors: a leaf, or a pair; and each leaf's way up. */
function leavesOf(tree: unknown): { readonly root: Uint8Array | undefined; readonly byId: ReadonlyMap<number, Leaf> } {
  if (tree === null || tree === undefined) return { root: undefined, byId: new Map() }
  if (isObject(tree)) {
    const script = hexField(tree, 'script')
    const version = integer(tree, 'leafVersion')
    const length = script.length < 0xfd ? Uint8Array.of(script.length) : Uint8Array.of(0xfd, script.length & 0xff, script.length >> 8)
    return { root: schnorr.utils.taggedHash('TapLeaf', concat(Uint8Array.of(version), length, script)), byId: new Map([[integer(tree, 'id'), { version, path: [] }]]) }
  }
  const [left, right] = list(tree, 'scriptTree').map(leavesOf)
  const [a, b] = [left?.root as Uint8Array, right?.root as Uint8Array]
  const climb = (side: typeof left, other: Uint8Array): readonly (readonly [number, Leaf])[] =>
    [...(side?.byId ?? [])].map(([id, { version, path }]) => [id, { version, path: [...path, other] }] as const)
  const sorted = toHex(a) < toHex(b) ? [a, b] : [b, a]
  return { root: schnorr.utils.taggedHash('TapBranch', concat(...sorted)), byId: new Map([...climb(left, b), ...climb(right, a)]) }
}

/** One check for each input that is signed. */
export async function checkKeyPath(report: Report, path: string, id: string, vector: Json): Promise<void> {
  const given = object(vector['given'], 'given')
  const { tx } = decodeSigned(hexField(given, 'rawUnsignedTx'))
  const spent = list(given['utxosSpent'], 'utxosSpent').map((one) => {
    const utxo = object(one, 'a utxo')
    return { amount: bigint(utxo['amountSats'], 'amountSats'), script: hexField(utxo, 'scriptPubKey') }
  })
  for (const [i, one] of list(vector['inputSpending'], 'inputSpending').entries()) {
    await report.check(path, `${id}/${idOf(one, i)}`, () => {
      const spending = object(one, 'a spending')
      const [input, middle, expected] = ['given', 'intermediary', 'expected'].map((name) => object(spending[name], name)) as [Json, Json, Json]
      const [index, hashType] = [integer(input, 'txinIndex'), integer(input, 'hashType')]
      const key = hexField(input, 'internalPrivkey')
      const root = input['merkleRoot'] === null ? new Uint8Array() : hexField(input, 'merkleRoot')
      must(equal(scriptOf('p2tr', publicKeyOf(key), root), spent[index]?.script ?? new Uint8Array()), 'another output key')
      const digest = taprootDigest(tx, index, spent, hashType)
      must(equal(digest, hexField(middle, 'sigHash')), 'another digest')
      const signature = encodeSignature('p2tr', signSchnorr(key, digest, root).compact, hashType)
      must(equal(signature, hex(list(expected['witness'], 'witness')[0], 'a witness')), 'another signature')
    })
  }
}
