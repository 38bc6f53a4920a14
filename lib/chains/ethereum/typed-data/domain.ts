/** EIP-712's domain: which of the five fields there are, by `types` or, where that is silent, by the domain itself. */
import { Malformed } from '../../../protocol/fields.ts'
import { jsonObject, type Json } from '../strict-json.ts'
import { describeFields, type Field, type Types } from './types.ts'
import { wholeNumber } from './values.ts'

const DOMAIN = 'EIP712Domain'

/** In the order that EIP-712 gives them. Others may come with a later standard, and will then mean something that nobody here can tell. */
const FIELDS: readonly Field[] = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
  { name: 'salt', type: 'bytes32' },
]

/**
 * `types` with the domain's in it. The domain must have each field that its type has, and no other: a wallet that only looks at the domain, and one
 * that only looks at its type, must see the same.
 * @throws Malformed
 */
export function withDomainType(types: Types, domain: Json | undefined): Types {
  const members = jsonObject(domain)
  const present = FIELDS.filter(({ name }) => members.has(name))
  if (present.length !== members.size) throw new Malformed()
  const declared = types.get(DOMAIN) ?? present
  if (describeFields(declared) !== describeFields(present)) throw new Malformed()
  return new Map([...types, [DOMAIN, present]])
}

/** The chain id that a domain names, if it names one. @throws Malformed */
export function domainChainId(domain: Json | undefined): bigint | undefined {
  const members = jsonObject(domain)
  return members.has('chainId') ? wholeNumber(members.get('chainId')) : undefined
}
