/** `personal_sign` (EIP-191, version 0x45), and within it Sign-In with Ethereum (EIP-4361). */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, toHex, utf8 } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Action, Reading, Summary } from '../chain.ts'
import { decodeUtf8, visible } from '../text.ts'
import { messageChainIdOf } from './chain-id.ts'
import { messagePlan, type MessagePayload } from './message-plan.ts'
import { claimsToBeSignIn, readSignIn, type SignIn } from './siwe.ts'

/**
 * The summary has the message as `text` when it is UTF-8, else as `data` in hex. Warnings: `hidden_characters`, `looks_like_hash` (32 bytes:
 * maybe the hash of something else), `siwe_malformed` (claims to be a sign-in, and isn't quite one). 32 bytes that are not printable text are signed
 * only where the wallet permits bare hashes: accounts of ERC-4337 (v0.7) and Safes take such a signature for one of what has that hash.
 * @param payload `data`: the message, without the prefix; `context`: `null`
 * @throws CloisterError `chain_unknown`, `parameters_malformed`, `tx_too_large`; of a sign-in: `tx_chain_id_mismatch`; planning:
 *   `tx_signer_mismatch` when it names another account, `payload_not_permitted`
 */
export function readPersonalMessage({ chain, data, context }: MessagePayload): Reading {
  const chainId = messageChainIdOf(chain)
  if (context !== null) throw new CloisterError('parameters_malformed')
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const text = decodeUtf8(data)
  const signIn = text === undefined ? undefined : readSignIn(text)
  if (signIn !== undefined && BigInt(signIn.chainId) !== chainId) throw new CloisterError('tx_chain_id_mismatch')
  const digest = personalDigest(data)
  const summary = summarize(chain, data, text, signIn)
  return {
    plan({ account, permissions }) {
      if (mayBeHash(data) && !permissions.rawHash) throw new CloisterError('payload_not_permitted')
      // Its verifier would refuse the signature anyway: whoever asks for it is after something else.
      if (signIn !== undefined && signIn.address !== account.address) throw new CloisterError('tx_signer_mismatch')
      return messagePlan(summary, digest, account)
    },
  }
}

/** Printable ASCII, and that alone, is what no hash comes to without a long search: of other text in UTF-8 there is too much. */
function mayBeHash(data: Uint8Array): boolean {
  return data.length === 32 && !data.every((byte) => byte >= 0x20 && byte <= 0x7e)
}

/** keccak256("\x19Ethereum Signed Message:\n" ‖ length in decimal ‖ message) */
export function personalDigest(message: Uint8Array): Uint8Array {
  return keccak_256(concat(utf8(`\x19Ethereum Signed Message:\n${message.length}`), message))
}

function summarize(chain: string, data: Uint8Array, text: string | undefined, signIn: SignIn | undefined): Summary {
  const warnings: string[] = []
  if (data.length === 32) warnings.push('looks_like_hash')
  const shown = text === undefined ? undefined : visible(text)
  if (shown?.isHidden === true) warnings.push('hidden_characters')
  if (text !== undefined && signIn === undefined && claimsToBeSignIn(text)) warnings.push('siwe_malformed')
  const content = shown === undefined ? { data: `0x${toHex(data)}` } : { text: shown.text }
  const action: Action = signIn === undefined ? { action: 'sign_message', fields: {} } : { action: 'sign_in', fields: signIn }
  return { chain, kind: 'personal_sign', actions: [action], fields: { bytes: String(data.length), ...content }, warnings }
}
