/** What is not in the image but decides whom the enclave serves and whom it asks: measured into PCR16 before anything is attested. */
import { attempt, integer, Malformed, nullable, object, text } from '../../lib/protocol/fields.ts'
import { readTenancy, type Tenancy } from '../../lib/tokens/tenants.ts'

export const CONFIGURATION_PCR = 16

/** One AWS service: its endpoint, and whose certificates are taken for it. */
interface Endpoint {
  /** `https://…`; `null` for AWS's own. */
  readonly url: string | null
}

export interface Configuration {
  readonly tenancy: Tenancy
  readonly region: string
  /** Full ARN: an alias could be moved. */
  readonly kmsKeyArn: string
  /** Full ARN: the host chooses the credentials, and a bare name would be whatever table of that name they reach. */
  readonly tableArn: string
  readonly kms: Endpoint
  readonly dynamodb: Endpoint
  /** PEM certificates that TLS trusts, to issuers and AWS alike; `null` for the public roots built into the image. */
  readonly certificateAuthorities: string | null
  /** How long an export is announced before it is made, seconds; 0 for at once. */
  readonly exportDelaySec: number
  readonly limits: { readonly running: number; readonly waiting: number; readonly waitingPerOwner: number }
}

/**
 * Reads a configuration: UTF-8 JSON, no unknown fields, nothing left out. The bytes are what is measured, so that
 * two spellings of one configuration are two configurations.
 */
export function readConfiguration(bytes: Uint8Array): Configuration | undefined {
  return attempt(() => {
    const fields = object(parse(bytes), [
      'format', 'issuers', 'tenants', 'region', 'kmsKeyArn', 'tableArn', 'kms', 'dynamodb', 'certificateAuthorities', 'exportDelaySec', 'limits',
    ])
    integer(fields['format'], 1, 1)
    const limits = object(fields['limits'], ['running', 'waiting', 'waitingPerOwner'])
    return {
      tenancy: readTenancy(fields['issuers'], fields['tenants']),
      region: text(fields['region'], /^[a-z]{2}(-[a-z]+)+-[0-9]$/),
      kmsKeyArn: text(fields['kmsKeyArn'], /^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{1,100}$/),
      tableArn: text(fields['tableArn'], /^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table\/[A-Za-z0-9_.-]{3,255}$/),
      kms: readEndpoint(fields['kms']),
      dynamodb: readEndpoint(fields['dynamodb']),
      certificateAuthorities: nullable(fields['certificateAuthorities'], (value) =>
        text(value, /^-----BEGIN CERTIFICATE-----[\s\S]{1,20000}-----END CERTIFICATE-----\s*$/),
      ),
      exportDelaySec: integer(fields['exportDelaySec'], 0, 90 * 86_400),
      limits: {
        running: integer(limits['running'], 1, 256),
        waiting: integer(limits['waiting'], 1, 100_000),
        waitingPerOwner: integer(limits['waitingPerOwner'], 1, 100_000),
      },
    }
  })
}

function readEndpoint(value: unknown): Endpoint {
  const fields = object(value, ['url'])
  return { url: nullable(fields['url'], (url) => text(url, /^https:\/\/[\x21-\x7e]{1,300}$/)) }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Malformed()
  }
}
