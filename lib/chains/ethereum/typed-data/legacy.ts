/**
 * `eth_signTypedData` as it was before EIP-712 (MetaMask's V1): a list of {type, name, value}, hashed as `soliditySHA3` does. No domain, no structs,
 * no arrays. What is packed has no lengths: two texts side by side may be cut elsewhere and still hash to the same.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, utf8 } from '../../../protocol/bytes.ts'
import { Malformed } from '../../../protocol/fields.ts'
import { exactObject, jsonString, type Json } from '../strict-json.ts'
import type { Line } from './encode.ts'
import { isElementary } from './types.ts'
import { readValue } from './values.ts'

const MAX_ENTRIES = 256

interface Legacy {
  readonly digest: Uint8Array
  readonly lines: readonly Line[]
}

/** keccak256(keccak256(packed "type name" …) ‖ keccak256(packed value …)). @throws Malformed */
export function readLegacy(value: Json): Legacy {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ENTRIES) throw new Malformed()
  const entries = value.map((item: Json) => {
    const entry = exactObject(item, ['type', 'name', 'value'])
    const [type, name] = [jsonString(entry.get('type')), jsonString(entry.get('name'))]
    if (!isElementary(type)) throw new Malformed()
    return { type, name, value: readValue(type, entry.get('value')) }
  })
  const schema = keccak_256(concat(...entries.map(({ type, name }) => utf8(`${type} ${name}`))))
  const values = keccak_256(concat(...entries.map((entry) => entry.value.packed)))
  const lines = entries.flatMap(({ type, name, value: { text, isMistyped } }, index): Line[] => [
    [`message[${index}].type`, type],
    [`message[${index}].name`, name],
    [`message[${index}].value`, text, isMistyped ?? false],
  ])
  return { digest: keccak_256(concat(schema, values)), lines }
}
