/** What an authenticator app takes in: base32 (RFC 4648 §6, without padding) in an `otpauth:` URI. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export function base32(bytes: Uint8Array): string {
  let out = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) out += ALPHABET[(held >> (bits - 5)) & 31]
  }
  return bits === 0 ? out : out + ALPHABET[(held << (5 - bits)) & 31]
}

/** SHA-1, six digits and thirty seconds are what such URIs mean unless they say otherwise. */
export function otpauthUri(secret: string): string {
  return `otpauth://totp/Cloister?secret=${secret}&issuer=Cloister`
}
