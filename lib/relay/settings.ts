/** The relay's settings: environment variables, each explicit. A missing or malformed one fails the first request, not some. */
import { array, attempt, Malformed, object, text } from '../protocol/fields.ts'
import { readTenancy, type Tenancy } from '../tokens/tenants.ts'

export interface RelaySettings {
  readonly tenancy: Tenancy
  /** Tenant id → role that reads one user's partition. */
  readonly readRoles: ReadonlyMap<string, string>
  readonly table: string
  /** `http://host:port`, or `unix:/path`. */
  readonly enclaves: readonly string[]
  /** Origins that browsers may call from. */
  readonly origins: readonly string[]
  /** PEM file of certificates to trust for AWS and the issuers; `null` for the public ones. */
  readonly caFile: string | null
}

/** `CLOISTER_TENANCY` is JSON `{issuers, tenants, readRoles}`; lists are separated by commas. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): RelaySettings {
  const settings = attempt((): RelaySettings => {
    const { issuers, tenants, readRoles } = object(parseJson(env['CLOISTER_TENANCY'] ?? ''), ['issuers', 'tenants', 'readRoles'])
    const tenancy = readTenancy(issuers, tenants)
    const ids = tenancy.tenants.map((tenant) => tenant.id)
    const roles = Object.entries(object(readRoles, ids)).map(([id, arn]) => [id, text(arn, /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/\S{1,200}$/)] as const)
    return {
      tenancy,
      readRoles: new Map(roles),
      table: text(env['CLOISTER_TABLE'], /^[A-Za-z0-9_.-]{3,255}$/),
      enclaves: list(env['CLOISTER_ENCLAVES'], /^(?:http:\/\/[\x21-\x7e]{1,300}|unix:\/[\x21-\x7e]{1,106})$/),
      origins: list(env['CLOISTER_ORIGINS'] ?? '', /^https?:\/\/[a-z0-9.:[\]-]{1,300}$/),
      caFile: env['CLOISTER_CA_FILE'] || null,
    }
  })
  if (settings === undefined || settings.enclaves.length === 0) throw new Error('the CLOISTER_… settings are missing or malformed')
  return settings
}

/** V8's own error would quote the text. */
function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    throw new Malformed()
  }
}

function list(value: string | undefined, pattern: RegExp): readonly string[] {
  return array((value ?? '').split(',').filter(Boolean), 64, (item) => text(item, pattern))
}
