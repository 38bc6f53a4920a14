/**
 * BIP-39 over bytes. A mnemonic in a JavaScript string could never be wiped, so that the sentence is built as bytes from the word
 * list of @scure/bip39, and the seed made from those by node:crypto.
 */
import { createHash, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'

const WORDS: readonly Uint8Array[] = wordlist.map((word) => utf8(word))
const LONGEST_WORD = 8
const SPACE = 0x20

/** The sentence for 16 or 32 bytes of entropy, as UTF-8 bytes with single spaces. Wipe it. */
export function mnemonicBytes(entropy: Uint8Array): Uint8Array {
  const count = (entropy.length * 3) / 4
  const checksum = createHash('sha256').update(entropy).digest()[0] as number
  const bitAt = (index: number): number => {
    const byte = index < entropy.length * 8 ? (entropy[index >> 3] as number) : checksum
    return (byte >> (7 - (index & 7))) & 1
  }
  const sentence = secretBytes(count * (LONGEST_WORD + 1))
  let length = 0
  for (let i = 0; i < count; i++) {
    let index = 0
    for (let bit = 0; bit < 11; bit++) index = index * 2 + bitAt(i * 11 + bit)
    const word = WORDS[index] as Uint8Array
    if (i > 0) sentence[length++] = SPACE
    sentence.set(word, length)
    length += word.length
  }
  return sentence.subarray(0, length)
}

/** BIP-39 seed, 64 bytes: PBKDF2-HMAC-SHA512, 2,048 rounds, salt "mnemonic" ‖ passphrase. Wipe it. */
export async function mnemonicSeed(sentence: Uint8Array, passphrase: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
  const salt = Buffer.concat([Buffer.from('mnemonic'), passphrase])
  try {
    const seed = await promisify(pbkdf2)(sentence, salt, 2048, 64, 'sha512')
    return new Uint8Array(seed.buffer, seed.byteOffset, seed.length)
  } finally {
    wipe(salt)
  }
}
