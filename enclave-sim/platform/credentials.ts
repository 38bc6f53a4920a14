/** AWS credentials come from the host. They are trusted for nothing but reaching AWS: what they may do, the key policy decides by attestation. */
import { attempt, integer, object, text } from '../../lib/protocol/fields.ts'

interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

export interface CredentialSource {
  /** The ones that the host gave last: it may replace them at any time, so each request asks. @throws Error until the host gave some */
  current(): AwsCredentials
  replace(credentials: AwsCredentials): void
}

export function createCredentialSource(): CredentialSource {
  let last: AwsCredentials | undefined
  return {
    current() {
      if (last === undefined) throw new Error('the host gave no credentials')
      return last
    },
    replace: (credentials) => (last = credentials),
  }
}

export function readCredentials(value: unknown): AwsCredentials | undefined {
  return attempt(() => {
    const fields = object(value, ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiresAtMs'])
    return {
      accessKeyId: text(fields['accessKeyId'], /^[A-Z0-9]{16,128}$/),
      secretAccessKey: text(fields['secretAccessKey'], /^[\x21-\x7e]{1,256}$/),
      sessionToken: text(fields['sessionToken'], /^[\x21-\x7e]{1,8192}$/),
      expiresAtMs: integer(fields['expiresAtMs'], 0, Number.MAX_SAFE_INTEGER),
    }
  })
}
