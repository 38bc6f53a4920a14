/** `eth_signTypedData`, versions 4 (EIP-712), 3 and 1. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat } from '../../protocol/bytes.ts'
import type { CborValue } from '../../protocol/cbor.ts'
import { CloisterError } from '../../protocol/errors.ts'
import { attempt, object, oneOf } from '../../protocol/fields.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { Action, Reading, Summary } from '../chain.ts'
import { decodeUtf8, visible } from '../text.ts'
import { messageChainIdOf } from './chain-id.ts'
import { messagePlan, type MessagePayload } from './message-plan.ts'
import { exactObject, jsonString, parseStrictJson, type Json } from './strict-json.ts'
import { domainChainId, withDomainType } from './typed-data/domain.ts'
import { createEncoder, type Line } from './typed-data/encode.ts'
import { readLegacy } from './typed-data/legacy.ts'
import { isUserOperation, recognise } from './typed-data/recognise.ts'
import { encodeType, readTypes } from './typed-data/types.ts'

const VERSIONS = ['V1', 'V3', 'V4'] as const
const DOMAIN = 'EIP712Domain'
const PREFIX = Uint8Array.of(0x19, 0x01)

/** Characters of a summary, in its fields: what can't be seen is written out, at several times its length. */
const MAX_SUMMARY = 512 * 1024

interface Content {
  readonly digest: Uint8Array
  readonly chainId: bigint | undefined
  readonly lines: readonly Line[]
  readonly actions: readonly Action[]
  readonly warnings: readonly string[]
}

/**
 * The summary has each value that is signed, by its path (`domain.name`, `message.to[0].wallet`), the primary type with all that it refers to, and
 * what is recognised as an approval or a transfer. Warnings: `any_chain` (no chain id in the domain), `hidden_characters`, `address_checksum` (EIP-55
 * doesn't hold), `legacy_typed_data`, `unlimited_approval`, `unknown_typed_data` (recognised as nothing), `delegate_call`.
 * @param payload `data`: UTF-8 JSON, `{types, primaryType, domain, message}`, or for V1 a list of `{type, name, value}`;
 *   `context`: `{version: 'V1' | 'V3' | 'V4'}`, or `null` for V4
 * @throws CloisterError `chain_unknown`, `parameters_malformed`, `tx_too_large`, `typed_data_malformed`, `tx_chain_id_mismatch`;
 *   `payload_kind_unknown` for a user operation of ERC-4337, which is a kind of its own
 */
export function readTypedData({ chain, data, context }: MessagePayload): Reading {
  const chainId = messageChainIdOf(chain)
  const version = readVersion(context)
  if (data.length > LIMITS.maxPayloadBytes) throw new CloisterError('tx_too_large')
  const text = decodeUtf8(data)
  const content = text === undefined ? undefined : attempt(() => (version === 'V1' ? readV1 : readV4)(parseStrictJson(text), version))
  if (content === undefined) throw new CloisterError('typed_data_malformed')
  if (content.chainId !== undefined && content.chainId !== chainId) throw new CloisterError('tx_chain_id_mismatch')
  const summary = summarize(chain, version, content)
  return { plan: ({ account }) => messagePlan(summary, content.digest, account) }
}

function readVersion(context: CborValue): (typeof VERSIONS)[number] {
  const version = context === null ? 'V4' : attempt(() => oneOf(object(context, ['version'])['version'], VERSIONS))
  if (version === undefined) throw new CloisterError('parameters_malformed')
  return version
}

/** keccak256(0x19 0x01 ‖ hashStruct(domain) ‖ hashStruct(message)) */
function readV4(json: Json, version: (typeof VERSIONS)[number]): Content {
  const given = exactObject(json, ['types', 'primaryType', 'domain', 'message'])
  const [domain, message] = [given.get('domain'), given.get('message')]
  const types = withDomainType(readTypes(given.get('types')), domain)
  const primaryType = jsonString(given.get('primaryType'))
  const encoder = createEncoder(types, version === 'V3' ? 'V3' : 'V4')
  const parts = [PREFIX, encoder.hashStruct(DOMAIN, domain, 'domain')]
  // The domain alone may be signed: then there is no message.
  if (primaryType === DOMAIN) exactObject(message, [])
  else parts.push(encoder.hashStruct(primaryType, message, 'message'))
  const values = new Map(encoder.lines.map(([path, text]) => [path, text]))
  if (isUserOperation(primaryType, values)) throw new CloisterError('payload_kind_unknown')
  const { actions, warnings } = recognise(types, primaryType, values)
  const chainId = domainChainId(domain)
  return {
    digest: keccak_256(concat(...parts)),
    chainId,
    lines: [['primaryType', primaryType], ['type', encodeType(types, primaryType)], ...encoder.lines],
    actions,
    warnings: [...(chainId === undefined ? ['any_chain'] : []), ...warnings],
  }
}

function readV1(json: Json): Content {
  const { digest, lines } = readLegacy(json)
  return { digest, chainId: undefined, lines, actions: [], warnings: ['any_chain', 'legacy_typed_data', 'unknown_typed_data'] }
}

function summarize(chain: string, version: (typeof VERSIONS)[number], { lines, actions, warnings }: Content): Summary {
  const shown = lines.map(([path, text]) => [path, visible(text)] as const)
  if (shown.reduce((sum, [path, { text }]) => sum + path.length + text.length, 0) > MAX_SUMMARY) throw new CloisterError('tx_too_large')
  const fields = Object.fromEntries(shown.map(([path, { text }]) => [path, text]))
  const isHidden = shown.some(([, value]) => value.isHidden)
  const isMistyped = lines.some(([, , is]) => is === true)
  const all: readonly Action[] = [{ action: 'sign_typed_data', fields: {} }]
  return {
    chain,
    kind: `typed_data_${version.toLowerCase()}`,
    actions: actions.length > 0 ? actions : all,
    fields,
    warnings: [...warnings, ...(isHidden ? ['hidden_characters'] : []), ...(isMistyped ? ['address_checksum'] : [])],
  }
}
