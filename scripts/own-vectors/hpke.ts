/** The key schedules of a request and its answer written out, for the values in between (RFC 9180 §4.1, §5.1, §5.3; RFC 9458 §4.4). */
import { createHmac, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto'
import { concat, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { LABELS } from '../../lib/protocol/labels.ts'
import type { FixedX25519 } from './fixed.ts'

type Bytes = Uint8Array<ArrayBuffer>

const hmac = (secret: Uint8Array, ...data: readonly Uint8Array[]): Bytes => new Uint8Array(createHmac('sha256', secret).update(concat(...data)).digest())
const i2osp = (value: number, length: number): Bytes => new Uint8Array(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'))
const hexOf = (values: Readonly<Record<string, Uint8Array>>) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toHex(value)]))

function schedule(ephemeral: FixedX25519, recipient: FixedX25519) {
  const labeled = (suite: Uint8Array) => ({
    extract: (salt: Uint8Array, label: string, ikm: Uint8Array) => hmac(salt, utf8('HPKE-v1'), suite, utf8(label), ikm),
    expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number) =>
      hmac(prk, i2osp(length, 2), utf8('HPKE-v1'), suite, utf8(label), info, Uint8Array.of(1)).slice(0, length), // one block: at most 32 bytes
  })
  const kem = labeled(concat(utf8('KEM'), i2osp(0x20, 2)))
  const hpke = labeled(concat(utf8('HPKE'), i2osp(0x20, 2), i2osp(1, 2), i2osp(2, 2)))
  const none = new Uint8Array()
  const dh = new Uint8Array(diffieHellman({ privateKey: createPrivateKey({ key: ephemeral.jwk, format: 'jwk' }), publicKey: createPublicKey({ key: recipient.jwk, format: 'jwk' }) }))
  const sharedSecret = kem.expand(kem.extract(none, 'eae_prk', dh), 'shared_secret', concat(ephemeral.raw, recipient.raw), 32)
  const context = concat(Uint8Array.of(0), hpke.extract(none, 'psk_id_hash', none), hpke.extract(none, 'info_hash', utf8(LABELS.request)))
  const secret = hpke.extract(sharedSecret, 'secret', none)
  const exporterSecret = hpke.expand(secret, 'exp', context, 32)
  return {
    dh,
    sharedSecret,
    keyScheduleContext: context,
    key: hpke.expand(secret, 'key', context, 32),
    baseNonce: hpke.expand(secret, 'base_nonce', context, 12),
    exporterSecret,
    answerSecret: hpke.expand(exporterSecret, 'sec', utf8(LABELS.answer), 32),
  }
}

/** Hex of each value of the request's schedule, and the secret exported for its answer. */
export function requestValues(ephemeral: FixedX25519, recipient: FixedX25519): Readonly<Record<string, string>> {
  return hexOf(schedule(ephemeral, recipient))
}

export function answerValues(ephemeral: FixedX25519, recipient: FixedX25519, answerNonce: Uint8Array): Readonly<Record<string, string>> {
  const { answerSecret } = schedule(ephemeral, recipient)
  const answerSalt = concat(ephemeral.raw, answerNonce)
  const derive = (info: string, length: number) => new Uint8Array(hkdfSync('sha256', answerSecret, answerSalt, utf8(info), length))
  return hexOf({ answerNonce, answerSalt, answerKey: derive('key', 32), answerIv: derive('nonce', 12) })
}

/** DeriveKeyPair of DHKEM(X25519) (RFC 9180 §7.1.3): the private key of `ikm`. */
export function deriveX25519(ikm: Uint8Array): Uint8Array<ArrayBuffer> {
  const suite = concat(utf8('KEM'), i2osp(0x20, 2))
  const prk = hmac(new Uint8Array(), utf8('HPKE-v1'), suite, utf8('dkp_prk'), ikm)
  return hmac(prk, i2osp(32, 2), utf8('HPKE-v1'), suite, utf8('sk'), Uint8Array.of(1))
}
