/** Output scripts of one key, and the addresses of all standard ones. */
import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bech32, bech32m, createBase58check } from '@scure/base'
import { taprootTweakPubkey } from '@scure/btc-signer/utils.js'
import { concat, equal } from '../../protocol/bytes.ts'
import type { Network } from './networks.ts'

/** What one key alone can spend. `p2tr` means by key path. */
export type ScriptType = 'p2pkh' | 'p2sh-p2wpkh' | 'p2wpkh' | 'p2tr'

const NO_ROOT = new Uint8Array()
const base58check = createBase58check(sha256)

export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes))
}

/** SHA-256 twice: ids of transactions, digests before taproot. */
export function sha256d(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}

/** `OP_DUP OP_HASH160 <hash> OP_EQUALVERIFY OP_CHECKSIG`; also the script code of P2WPKH (BIP-143). */
export function keyHashScript(hash: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x76, 0xa9, 0x14), hash, Uint8Array.of(0x88, 0xac))
}

/** The redeem script of P2SH-P2WPKH, which is the output script of P2WPKH (BIP-141). */
export function witnessKeyHashScript(publicKey: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x00, 0x14), hash160(publicKey))
}

/**
 * The output script of a key.
 * @param publicKey compressed, 33 bytes; for `p2tr` the internal key
 * @param merkleRoot of `p2tr`'s script tree, 32 bytes; empty (BIP-86) where there is none
 */
export function scriptOf(type: ScriptType, publicKey: Uint8Array, merkleRoot: Uint8Array = NO_ROOT): Uint8Array {
  switch (type) {
    case 'p2pkh':
      return keyHashScript(hash160(publicKey))
    case 'p2sh-p2wpkh':
      return concat(Uint8Array.of(0xa9, 0x14), hash160(witnessKeyHashScript(publicKey)), Uint8Array.of(0x87))
    case 'p2wpkh':
      return witnessKeyHashScript(publicKey)
    case 'p2tr':
      return concat(Uint8Array.of(0x51, 0x20), taprootTweakPubkey(publicKey.subarray(1), merkleRoot)[0])
    default:
      return impossible(type)
  }
}

/** Ends a `switch` over everything there is. */
export function impossible(_: never): never {
  throw new Error('impossible')
}

/** The address of an output script; `undefined` where it has none. BIP-173, BIP-350 and Base58Check. */
export function addressOf(script: Uint8Array, network: Network): string | undefined {
  const [first, second] = script
  if (script.length === 25 && equal(script, keyHashScript(script.subarray(3, 23)))) {
    return base58check.encode(concat(Uint8Array.of(network.pubKeyHash), script.subarray(3, 23)))
  }
  if (script.length === 23 && first === 0xa9 && second === 0x14 && script[22] === 0x87) {
    return base58check.encode(concat(Uint8Array.of(network.scriptHash), script.subarray(2, 22)))
  }
  const version = first === 0 ? 0 : first !== undefined && first >= 0x51 && first <= 0x60 ? first - 0x50 : undefined
  const program = script.subarray(2)
  if (version === undefined || second !== program.length || program.length < 2 || program.length > 40) return undefined
  if (version === 0) return program.length === 20 || program.length === 32 ? bech32.encode(network.hrp, [0, ...bech32.toWords(program)]) : undefined
  return bech32m.encode(network.hrp, [version, ...bech32m.toWords(program)])
}

/** Whether it is a witness program (BIP-141): what may be spent with no more than its own output known. */
export function isWitnessProgram(script: Uint8Array): boolean {
  const [version, length] = script
  return (version === 0 || (version !== undefined && version >= 0x51 && version <= 0x60)) && script.length >= 4 && script.length <= 42 && length === script.length - 2
}

/** The type that a script has the form of; for `p2sh-p2wpkh`, of any P2SH. Tells at no cost what needs no key to be computed for. */
export function formOf(script: Uint8Array): ScriptType | undefined {
  const [first, second] = script
  if (script.length === 25 && first === 0x76) return 'p2pkh'
  if (script.length === 23 && first === 0xa9) return 'p2sh-p2wpkh'
  if (script.length === 22 && first === 0x00 && second === 0x14) return 'p2wpkh'
  return isTaproot(script) ? 'p2tr' : undefined
}

export function isTaproot(script: Uint8Array): boolean {
  return script.length === 34 && script[0] === 0x51 && script[1] === 0x20
}

/** Pushes of up to 75 bytes each, one after another. */
export function pushes(...items: readonly Uint8Array[]): Uint8Array {
  return concat(...items.flatMap((item) => [Uint8Array.of(item.length), item]))
}
