/** Opens openapi.yaml's sealed examples: they are to the channel key of test/vectors/own/channel.json, whose private half is public. */
import { fromBase64url, toBase64url } from '../../lib/protocol/bytes.ts'
import { openRequest } from '../../lib/protocol/channel.ts'
import { hex, loadVectors } from './own-vectors.ts'

const vector = (): Readonly<Record<string, string>> => loadVectors<Readonly<Record<string, string>>>('channel')[0] as Readonly<Record<string, string>>

/** @param example `{header, enc, ciphertext}`. @throws Error when it does not open */
export async function openExampleRequest(example: unknown): Promise<{ readonly header: Uint8Array; readonly body: Uint8Array }> {
  const { channelPrivateKey, channelPublicKey } = vector()
  const [header, enc, ciphertext] = ['header', 'enc', 'ciphertext'].map((name) => bytes(example, name)) as [Uint8Array, Uint8Array, Uint8Array]
  const jwk = { kty: 'OKP', crv: 'X25519', d: toBase64url(hex(channelPrivateKey)), x: toBase64url(hex(channelPublicKey)) }
  const opened = await openRequest({
    privateKey: await crypto.subtle.importKey('jwk', jwk, { name: 'X25519' }, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('raw', new Uint8Array(hex(channelPublicKey)), { name: 'X25519' }, true, []),
  }, header, enc, ciphertext)
  if (opened === undefined) throw new Error('the example does not open')
  return { header, body: opened.body }
}

/** @param example `{answer}`. @throws Error when it does not open */
export async function openExampleAnswer(example: unknown): Promise<Uint8Array> {
  const { answerKey, answerIv, answerAad } = vector()
  const key = await crypto.subtle.importKey('raw', new Uint8Array(hex(answerKey)), 'AES-GCM', false, ['decrypt'])
  const algorithm = { name: 'AES-GCM', iv: new Uint8Array(hex(answerIv)), additionalData: new Uint8Array(hex(answerAad)) }
  // The nonce, 32 bytes, went into the key.
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, new Uint8Array(bytes(example, 'answer').subarray(32))))
}

function bytes(example: unknown, name: string): Uint8Array {
  const read = fromBase64url(String((example as Readonly<Record<string, unknown>> | undefined)?.[name]))
  if (read === undefined) throw new Error(`${name} is not base64url`)
  return read
}
