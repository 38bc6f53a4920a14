/**
 * Messages, and bare hashes where the wallet permits them.
 *
 * P2WPKH, P2TR and P2SH-P2WPKH: BIP-322 "simple" signatures. `signed` is the witness stack as a transaction serialises it, without the `smp` that some write
 * before its base64; `hash` is the message's tagged hash. P2PKH: the 65 bytes of Bitcoin Core's `signmessage`, a header that is 31 plus the recovery id (key
 * compressed), then r ‖ s; `hash` is what was signed.
 *
 * `context` names the address that signs, as a map `{change, index}`; `null` is the account's first receiving one. An account of one key takes `null` alone.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { RawWitness } from '@scure/btc-signer/script.js'
import type { CborValue } from '../../protocol/cbor.ts'
import { concat, equal, toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { attempt, integer, nullable, object } from '../../protocol/fields.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Plan, Reading, Signature, SigningContext, Summary } from '../chain.ts'
import { decodeUtf8, visible } from '../text.ts'
import { legacyMessageDigest, messageHash, toSign } from './bip322.ts'
import { firstKey, type AccountKeys, type OwnKey, type Position } from './keys.ts'
import type { Network } from './networks.ts'
import { HARDENED } from './paths.ts'
import { addressOf, scriptOf, type ScriptType } from './scripts.ts'
import { SIGHASH } from './sighash.ts'
import { checkSignature, encodeSignature, satisfy, spendingOf, taskOf } from './sign-inputs.ts'
import { NO_BYTES } from './transaction.ts'
import { walletOf } from './wallet.ts'

/** @throws CloisterError `message_malformed` */
export function readMessage(network: Network, message: Uint8Array, context: CborValue): Reading {
  if (message.length > LIMITS.maxPayloadBytes) throw new CloisterError('message_malformed')
  const position = readPosition(context)
  return {
    plan(signing) {
      const signer = signerOf(network, signing, position)
      return signer.type === 'p2pkh' ? legacyPlan(network, message, signer) : simplePlan(network, message, signer)
    },
  }
}

/** @throws CloisterError `message_malformed`; on planning `payload_not_permitted` */
export function readHash(network: Network, hash: Uint8Array, context: CborValue): Reading {
  if (hash.length !== 32) throw new CloisterError('message_malformed')
  const position = readPosition(context)
  return {
    plan(signing) {
      if (!signing.permissions.rawHash) throw new CloisterError('payload_not_permitted')
      const { key, address, anyChain } = signerOf(network, signing, position)
      const task = { path: key.path, publicKey: key.publicKey, scheme: { kind: 'ecdsa', digest: hash } } as const
      const fields = { network: network.name, address, hash: `0x${toHex(hash)}` }
      const summary: Summary = { chain: network.id, kind: 'hash', actions: [], fields, warnings: ['raw_hash', ...anyChainWarning(anyChain)] }
      return { summary, tasks: [task], assemble: (signatures) => ({ signed: checkSignature(task, only(signatures)), hash }) }
    },
  }
}

interface Signer {
  readonly key: OwnKey
  readonly type: ScriptType
  readonly script: Uint8Array
  readonly address: string
  /** See {@link walletOf}. */
  readonly anyChain: boolean
}

function signerOf(network: Network, context: SigningContext, position: Position | null): Signer {
  const { signing, anyChain } = walletOf(network, context)
  const key = keyAt(signing, position)
  const [type] = signing.parsed.scripts
  const script = scriptOf(type, key.publicKey)
  return { key, type, script, address: addressOf(script, network) as string, anyChain }
}

function keyAt(keys: AccountKeys, position: Position | null): OwnKey {
  if (position === null) return firstKey(keys)
  if (keys.only !== null) throw new CloisterError('message_malformed')
  return keys.at(position)
}

function readPosition(context: CborValue): Position | null {
  const read = attempt(() => ({
    position: nullable(context, (value) => {
      const fields = object(value, ['change', 'index'])
      return { change: integer(fields['change'], 0, 1), index: integer(fields['index'], 0, HARDENED - 1) }
    }),
  }))
  if (read === undefined) throw new CloisterError('message_malformed')
  return read.position
}

function simplePlan(network: Network, message: Uint8Array, signer: Signer): Plan {
  const { key, type, script } = signer
  const hashType = type === 'p2tr' ? SIGHASH.DEFAULT : SIGHASH.ALL
  const prevout = { amount: 0n, script, proven: true }
  const task = taskOf(spendingOf(toSign(message, script), [prevout]), { index: 0, key, type, prevout, fields: {}, merkleRoot: NO_BYTES }, hashType)
  return {
    summary: summaryOf('bip322', network, message, signer),
    tasks: [task],
    assemble(signatures) {
      const { witness } = satisfy(type, key.publicKey, encodeSignature(type, checkSignature(task, only(signatures)), hashType))
      return { signed: RawWitness.encode([...witness]), hash: messageHash(message) }
    },
  }
}

function legacyPlan(network: Network, message: Uint8Array, signer: Signer): Plan {
  const { key } = signer
  const digest = legacyMessageDigest(message)
  const task = { path: key.path, publicKey: key.publicKey, scheme: { kind: 'ecdsa', digest } } as const
  return {
    summary: summaryOf('signmessage', network, message, signer),
    tasks: [task],
    assemble(signatures) {
      const signature = only(signatures)
      const compact = checkSignature(task, signature)
      return { signed: concat(Uint8Array.of(31 + recoveryOf(signature, digest, key.publicKey)), compact), hash: digest }
    },
  }
}

/** The recovery id, once it is seen to lead to the key. */
function recoveryOf({ compact, recovery }: Signature, digest: Uint8Array, publicKey: Uint8Array): number {
  const recovered = recovery === null ? undefined : secp256k1.Signature.fromBytes(compact, 'compact').addRecoveryBit(recovery).recoverPublicKey(digest)
  if (recovery === null || recovered === undefined || !equal(recovered.toBytes(true), publicKey)) throw new Error('the signature is not from the account')
  return recovery
}

function only(signatures: readonly Signature[]): Signature {
  const [signature] = signatures
  if (signature === undefined || signatures.length !== 1) throw new Error('one signature a task')
  return signature
}

function summaryOf(kind: string, network: Network, message: Uint8Array, { address, anyChain }: Signer): Summary {
  const text = printable(message)
  const content = text === undefined ? { data: `0x${toHex(message)}` } : { message: text }
  const warnings = [...(text === undefined ? ['message_not_text'] : []), ...anyChainWarning(anyChain)]
  return { chain: network.id, kind, actions: [], fields: { network: network.name, address, ...content }, warnings }
}

function anyChainWarning(anyChain: boolean): readonly string[] {
  return anyChain ? ['any_chain'] : []
}

/** The message as text, if it is UTF-8 that shows on a screen what it says. */
function printable(message: Uint8Array): string | undefined {
  const text = decodeUtf8(message)
  return text === undefined || visible(text).isHidden ? undefined : text
}
