/** Ed25519, as signatures for Solana are made (node:crypto) and verified (noble, without ZIP 215's latitude). */
import { ed25519 } from '@noble/curves/ed25519.js'
import { describeVectors, hex, toHex, vectorFile, vectors } from '../support/core-vectors.ts'
import { ed25519PublicKey, keypair, planFor, signPlan } from '../support/solana.ts'
import { solana } from '../../lib/chains/solana/solana.ts'

const accepts = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean => {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}

describeVectors('sol/ed25519-djb-signinput.json')('djb’s sign.input', () => {
  test('public keys and signatures; one bit of the message more is refused', () => {
    const all = vectors<{ seed: string; pub: string; msg: string; sig: string }>('sol/ed25519-djb-signinput.json')
    expect(all.length).toBeGreaterThan(100)
    for (const { seed, pub, msg, sig } of all) {
      expect(toHex(ed25519PublicKey(hex(seed)))).toBe(pub)
      expect(accepts(hex(sig), hex(msg), hex(pub))).toBe(true)
      expect(accepts(hex(sig), hex(`${msg}00`), hex(pub))).toBe(false)
    }
  })

  test('those whose message is text, through the chain itself', () => {
    const text = vectors<{ seed: string; msg: string; sig: string }>('sol/ed25519-djb-signinput.json').filter(({ msg }) => /^(2[0-9a-f]|[3-6][0-9a-f]|7[0-9a-e])+$/.test(msg))
    expect(text.length).toBeGreaterThan(0)
    for (const { seed, msg, sig } of text) {
      const publicKey = ed25519PublicKey(hex(seed))
      const account = { namespace: 'solana', path: 'm', address: solana.address({ path: 'm', publicKey, chainCode: null }), publicKey, chainCode: null }
      const plan = solana
        .read({ chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', kind: 'message', data: hex(msg), context: null })
        .plan({ account, accounts: [account], permissions: { exportable: false, rawHash: false, withoutChainId: false, anySighash: false } })
      expect(toHex(signPlan(plan, hex(seed)).signed)).toBe(sig)
      expect(() => signPlan(planFor(keypair(1), hex(msg), null, 'message'), hex(seed))).toThrow('not from the account')
    }
  })
})

describeVectors('crypto/wycheproof-ed25519.json')('wycheproof', () => {
  test('valid ones are accepted, invalid ones are not', () => {
    const { meta, vectors: all } = vectorFile<{ tcId: number; group: number; msg: string; sig: string; result: string }>('crypto/wycheproof-ed25519.json')
    expect(all.length).toBeGreaterThan(100)
    for (const { tcId, group, msg, sig, result } of all) {
      const { publicKey } = (meta.groups ?? [])[group] as { publicKey: { pk: string } }
      expect([tcId, accepts(hex(sig), hex(msg), hex(publicKey.pk))]).toEqual([tcId, result === 'valid'])
    }
  })
})
