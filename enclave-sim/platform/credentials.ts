/** AWS credentials come from the host. They are trusted for nothing but reaching AWS: what they may do, the key policy decides by attestation. */
import { attempt, integer, object, text } from '../../lib/protocol/fields.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

export interface CredentialSource {
  /** For AWS SDK clients. Rejects until the host gave some. */
  provide(): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: Date }>
  replace(credentials: AwsCredentials): void
}

export function createCredentialSource(): CredentialSource {
  let current: AwsCredentials | undefined
  return {
    provide() {
      if (current === undefined) return Promise.reject(new Error('the host gave no credentials'))
      const { accessKeyId, secretAccessKey, sessionToken } = current
      // The SDK keeps what it was given until shortly before it expires; but the host may replace credentials at any time, and asking here costs nothing.
      return Promise.resolve({ accessKeyId, secretAccessKey, sessionToken, expiration: new Date(0) })
    },
    replace: (credentials) => (current = credentials),
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
