/** Sign-In with Ethereum (EIP-4361): its message, read to the letter of the ABNF. */
import { addr } from 'micro-eth-signer'

/** A message that holds this claims to be one. */
const CLAIM = 'wants you to sign in with your ethereum account'

const HEAD = / wants you to sign in with your Ethereum account:$/
/** RFC 3986: scheme (before `://`) and authority. */
const ORIGIN = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?([A-Za-z0-9._~%!$&'()*+,;=:@[\]-]+)$/
const STATEMENT = /^[A-Za-z0-9._~:/?#[\]@!$&'()*+,;= -]+$/
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/
const TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i
const PCHARS = /^[A-Za-z0-9._~!$&'()*+,;=:@%-]*$/

/** The fields that follow, in their order. */
const TAIL: readonly (readonly [label: string, name: string, pattern: RegExp, isNeeded: boolean])[] = [
  ['URI', 'uri', URI, true],
  ['Version', 'version', /^1$/, true],
  ['Chain ID', 'chainId', /^[0-9]{1,31}$/, true],
  ['Nonce', 'nonce', /^[A-Za-z0-9]{8,}$/, true],
  ['Issued At', 'issuedAt', TIME, true],
  ['Expiration Time', 'expirationTime', TIME, false],
  ['Not Before', 'notBefore', TIME, false],
  ['Request ID', 'requestId', PCHARS, false],
]

/** `domain`, `address`, `uri`, `version`, `chainId`, `nonce`, `issuedAt`, and those that are optional. */
export type SignIn = Readonly<Record<string, string>> & { readonly address: string; readonly chainId: string }

export function claimsToBeSignIn(text: string): boolean {
  return text.toLowerCase().includes(CLAIM)
}

/** `undefined` for whatever isn't a sign-in message, whole and nothing else. */
export function readSignIn(text: string): SignIn | undefined {
  const lines = text.split('\n')
  const origin = ORIGIN.exec(HEAD.test(lines[0] ?? '') ? (lines[0] as string).replace(HEAD, '') : '')
  const [, address, blank, statement] = lines
  if (origin === null || address === undefined || blank !== '') return undefined
  // EIP-4361: "in EIP-55 mixed-case checksum form"
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || addr.addChecksum(address) !== address) return undefined
  const fields: Record<string, string> = { domain: origin[2] as string, address }
  if (origin[1] !== undefined) fields['scheme'] = origin[1]
  let at = 4
  if (statement !== '') {
    if (statement === undefined || !STATEMENT.test(statement) || lines[4] !== '') return undefined
    fields['statement'] = statement
    at = 5
  }
  for (const [label, name, pattern, isNeeded] of TAIL) {
    const line = lines[at]
    if (line === undefined || !line.startsWith(`${label}: `)) {
      if (isNeeded) return undefined
      continue
    }
    const value = line.slice(label.length + 2)
    if (!pattern.test(value)) return undefined
    fields[name] = value
    at += 1
  }
  if (lines[at] === 'Resources:') {
    const resources = lines.slice(at + 1)
    if (!resources.every((line) => line.startsWith('- ') && URI.test(line.slice(2)))) return undefined
    resources.forEach((line, index) => (fields[`resources[${index}]`] = line.slice(2)))
    at = lines.length
  }
  return at === lines.length ? (fields as SignIn) : undefined
}
