/** Deterministic signatures (RFC 6979, low s) by the enclave's own signer, and verification with its options. */
import { getPublicKey, verify } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import '../../enclave-sim/core/signing.ts' // gives noble its hashes
import { signEcdsa } from '../../enclave-sim/core/ecdsa.ts'
import { equal, utf8 } from '../../lib/protocol/bytes.ts'
import { hexField, text, UnknownShape, type Json } from './fields.ts'
import { must, refusalOf, type Report } from './report.ts'

const OPTIONS = { prehash: false, lowS: true } as const

/** Signatures and refusals: `kind` says which. */
export async function checkRfc6979(report: Report, path: string, index: number, vector: Json): Promise<void> {
  const id = `#${index}/${String(vector['kind'])}`
  const hedged = Object.keys(vector).filter((name) => name.startsWith('extraEntropy')).length
  if (hedged > 0) report.skip(path, 'signatures with extra entropy are not used', hedged)
  await report.check(path, id, async () => {
    const digest = hexField(vector, 'm')
    switch (vector['kind']) {
      case 'valid':
      case 'extraEntropy': {
        const [key, signature] = [hexField(vector, 'd'), hexField(vector, 'signature')]
        must(equal(signEcdsa(key, digest).compact, signature), 'another signature')
        return must(verify(signature, digest, getPublicKey(key, true), OPTIONS), 'a valid signature is refused')
      }
      case 'invalid_sign':
        return must((await refusalOf(() => signEcdsa(hexField(vector, 'd'), digest))) !== undefined, 'an invalid key signs')
      case 'invalid_verify': {
        const [signature, point] = [hexField(vector, 'signature'), hexField(vector, 'Q')]
        let accepted = false
        const refusal = await refusalOf(() => (accepted = verify(signature, digest, point, OPTIONS)))
        return must(refusal !== undefined || !accepted, 'an invalid signature is accepted')
      }
      default:
        throw new UnknownShape('another kind')
    }
  })
}

/**
 * The nonce itself can't be seen, but r is the x coordinate of its point. Later nonces (k1, …) are for when the first
 * doesn't do.
 */
export async function checkNonce(report: Report, path: string, index: number, vector: Json): Promise<void> {
  const later = Object.keys(vector).filter((name) => /^k[1-9]\d*$/.test(name)).length
  if (later > 0) report.skip(path, 'only the first nonce can be reached', later)
  await report.check(path, `#${index}/k0`, () => {
    const signature = signEcdsa(hexField(vector, 'd'), sha256(utf8(text(vector, 'message')))).compact
    must(equal(signature.slice(0, 32), getPublicKey(hexField(vector, 'k0'), true).slice(1)), 'another nonce')
  })
}
