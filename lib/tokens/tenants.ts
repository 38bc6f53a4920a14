/** Who may log in: issuers, and the tenants that a token's audience leads to. Measured in the enclave, configured in the relay. */
import { array, Malformed, object, oneOf, text } from '../protocol/fields.ts'

export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** How a token commits to its client's key. `none` trusts every bearer of the token: the relay too can then guess PINs. */
const PROOFS = ['nonce', 'none'] as const
type ProofMode = (typeof PROOFS)[number]

export interface Issuer {
  /** The `iss` claim, to the letter. */
  readonly issuer: string
  readonly jwksUri: string
}

export interface Tenant {
  readonly id: string
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly algorithms: readonly Algorithm[]
  readonly proofs: readonly ProofMode[]
}

export interface Tenancy {
  readonly issuers: readonly Issuer[]
  readonly tenants: readonly Tenant[]
}

const HTTPS_URL = /^https:\/\/[\x21-\x7e]{1,500}$/

/** @throws Malformed; also when two tenants share an issuer's audience, or a tenant names an issuer that isn't listed */
export function readTenancy(issuers: unknown, tenants: unknown): Tenancy {
  const tenancy = { issuers: array(issuers, 64, readIssuer), tenants: array(tenants, 64, readTenant) }
  const known = new Set(tenancy.issuers.map((issuer) => issuer.issuer))
  const audiences = tenancy.tenants.flatMap((tenant) => tenant.audiences.map((audience) => JSON.stringify([tenant.issuer, audience])))
  const ids = new Set(tenancy.tenants.map((tenant) => tenant.id))
  if (ids.size !== tenancy.tenants.length) throw new Malformed() // two of one id would share their owners
  if (known.size !== tenancy.issuers.length || new Set(audiences).size !== audiences.length) throw new Malformed()
  if (tenancy.tenants.length === 0 || !tenancy.tenants.every((tenant) => known.has(tenant.issuer))) throw new Malformed()
  return tenancy
}

function readIssuer(value: unknown): Issuer {
  const fields = object(value, ['issuer', 'jwksUri'])
  return { issuer: text(fields['issuer'], HTTPS_URL), jwksUri: text(fields['jwksUri'], HTTPS_URL) }
}

function readTenant(value: unknown): Tenant {
  const fields = object(value, ['id', 'issuer', 'audiences', 'algorithms', 'proofs'])
  const tenant = {
    id: text(fields['id'], /^[a-z0-9-]{1,40}$/),
    issuer: text(fields['issuer'], HTTPS_URL),
    audiences: array(fields['audiences'], 32, (item) => text(item, /^[\x21-\x7e]{1,255}$/)),
    algorithms: array(fields['algorithms'], 16, (item) => oneOf(item, ALGORITHMS)),
    proofs: array(fields['proofs'], 4, (item) => oneOf(item, PROOFS)),
  }
  // Beside another mode, `none` would take a bound token without its proof.
  if (tenant.proofs.includes('none') && tenant.proofs.length > 1) throw new Malformed()
  if (tenant.audiences.length === 0 || tenant.algorithms.length === 0 || tenant.proofs.length === 0) throw new Malformed()
  return tenant
}
