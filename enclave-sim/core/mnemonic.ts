/**
 * BIP-39 over bytes. A mnemonic in a JavaScript string could never be wiped, so that the sentence is built as bytes from the word
 * list of @scure/bip39, and the seed made from those by node:crypto.
 */
import { createHash, pbkdf2Sync } from 'node:crypto'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { concat, secretBytes, utf8, wipe } from '../../lib/protocol/bytes.ts'

const WORDS: readonly Uint8Array[] = wordlist.map((word) => utf8(word))
const LONGEST_WORD = 8
const SPACE = 0x20
const SEED_BYTES = 64

/** The sentence for 16 to 32 bytes of entropy, as UTF-8 bytes with single spaces. Wipe it. */
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

/**
 * BIP-39 seed, 64 bytes: PBKDF2-HMAC-SHA512, 2,048 rounds, salt "mnemonic" ‖ passphrase. Wipe it. It takes a millisecond or two, and others wait: on this
 * thread, what OpenSSL frees of the salt as it is can be written over, by asking for the same again with zeros.
 */
export function mnemonicSeed(sentence: Uint8Array, passphrase: Uint8Array = new Uint8Array()): Uint8Array {
  const salt = concat(utf8('mnemonic'), passphrase)
  try {
    const seed = pbkdf2Sync(sentence, salt, 2048, SEED_BYTES, 'sha512')
    pbkdf2Sync(new Uint8Array(sentence.length), new Uint8Array(salt.length), 1, SEED_BYTES, 'sha512')
    return new Uint8Array(seed.buffer, seed.byteOffset, seed.length)
  } finally {
    wipe(salt)
  }
}

/**
 * The entropy of a sentence in lowercase with single spaces: 12, 15, 18, 21 or 24 words, and a checksum that holds; else `undefined`. Wipe it.
 */
export function mnemonicEntropy(sentence: Uint8Array): Uint8Array | undefined {
  const bits = secretBytes(24 * 11)
  let filled = 0
  try {
    for (let at = 0; at <= sentence.length; ) {
      const space = sentence.indexOf(SPACE, at)
      const end = space < 0 ? sentence.length : space
      const index = wordIndex(sentence.subarray(at, end))
      if (index < 0 || filled === bits.length) return undefined
      for (let bit = 10; bit >= 0; bit--) bits[filled++] = (index >> bit) & 1
      at = end + 1
      if (space < 0) break
    }
    const words = filled / 11
    if (words < 12 || words % 3 !== 0) return undefined
    return checked(bits.subarray(0, filled), (words / 3) * 4)
  } finally {
    wipe(bits)
  }
}

function checked(bits: Uint8Array, length: number): Uint8Array | undefined {
  const entropy = secretBytes(length)
  for (let i = 0; i < length * 8; i++) entropy[i >> 3] = ((entropy[i >> 3] as number) << 1) | (bits[i] as number)
  const checksum = createHash('sha256').update(entropy).digest()[0] as number
  for (let i = length * 8; i < bits.length; i++) {
    if (bits[i] === ((checksum >> (7 - (i - length * 8))) & 1)) continue
    wipe(entropy)
    return undefined
  }
  return entropy
}

/** The list is sorted. */
function wordIndex(word: Uint8Array): number {
  let low = 0
  let high = WORDS.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = Buffer.compare(WORDS[middle] as Uint8Array, word)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}
