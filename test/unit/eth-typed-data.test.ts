/** Typed data: digests as viem and ethers make them, what a person is told, and each refusal with its code. */
import fc from 'fast-check'
import { TypedDataEncoder, verifyTypedData } from 'ethers'
import { hashTypedData, toHex, type TypedDataDefinition } from 'viem'
import { readTypedData } from '../../lib/chains/ethereum/typed-data.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { codeOf } from '../support/core-codes.ts'
import { ACCOUNT, digestOf, payload, planOf, RUNS, signPlan } from '../support/messages.ts'
import { typedData, type TypedDataJson } from '../support/typed-data.ts'

const read = (data: unknown, context: CborValue = null, chain = 'eip155:1') =>
  planOf(readTypedData(payload('typedData', typeof data === 'string' ? data : JSON.stringify(data), context, chain)))
const codeFor = (data: unknown, context: CborValue = null, chain = 'eip155:1'): string => codeOf(() => read(data, context, chain))

const A = '0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'
const B = '0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'
const MAIL = {
  types: {
    EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'chainId', type: 'uint256' }, { name: 'verifyingContract', type: 'address' }],
    Person: [{ name: 'name', type: 'string' }, { name: 'wallet', type: 'address' }],
    Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person[]' }, { name: 'contents', type: 'string' }],
  },
  primaryType: 'Mail',
  domain: { name: 'Ether Mail', chainId: 1, verifyingContract: B },
  message: { from: { name: 'Cow', wallet: A }, to: [{ name: 'Bob', wallet: B }], contents: 'Hello!' },
}
/** One field of one type. */
const one = (type: string, value: unknown): object => ({ types: { M: [{ name: 'x', type }] }, primaryType: 'M', domain: {}, message: { x: value } })

describe('digests', () => {
  test('as viem and ethers make them, whatever the types', () => {
    fc.assert(
      fc.property(typedData, (data) => {
        const digest = toHex(digestOf(read(data, null, `eip155:${Number(data.domain['chainId'] ?? 1)}`)))
        expect(digest).toBe(hashTypedData(data as unknown as TypedDataDefinition))
        expect(digest).toBe(TypedDataEncoder.hash(data.domain, withoutDomain(data), data.message))
      }),
      { numRuns: RUNS },
    )
  })

  test('every value is among the fields, under its path', () => {
    expect(read(MAIL).summary).toEqual({
      chain: 'eip155:1',
      kind: 'typed_data_v4',
      actions: [{ action: 'sign_typed_data', fields: {} }],
      fields: {
        primaryType: 'Mail',
        type: 'Mail(Person from,Person[] to,string contents)Person(string name,address wallet)',
        'domain.name': 'Ether Mail', 'domain.chainId': '1', 'domain.verifyingContract': B,
        'message.from.name': 'Cow', 'message.from.wallet': A, 'message.to[0].name': 'Bob', 'message.to[0].wallet': B, 'message.contents': 'Hello!',
      },
      warnings: ['unknown_typed_data'],
    })
  })

  test('65 bytes that ethers verifies', () => {
    const { signed, hash } = signPlan(read(MAIL))
    const { EIP712Domain: _, ...types } = MAIL.types
    expect(verifyTypedData(MAIL.domain, types, MAIL.message, toHex(signed))).toBe(ACCOUNT.address)
    expect(toHex(hash)).toBe(hashTypedData(MAIL as unknown as TypedDataDefinition))
  })

  test('what is empty is shown, too', () => {
    const data = { types: { M: [{ name: 'x', type: 'N[]' }, { name: 'y', type: 'N' }], N: [] }, primaryType: 'M', domain: {}, message: { x: [], y: {} } }
    expect(read(data).summary.fields).toMatchObject({ domain: '{}', 'message.x': '[]', 'message.y': '{}' })
  })

  test('a struct within itself ends with null, or with nothing', () => {
    const types = { M: [{ name: 'id', type: 'uint8' }, { name: 'next', type: 'M' }] }
    const digests = [{ id: 1, next: { id: 2, next: null } }, { id: 1, next: { id: 2 } }].map((message) => {
      const plan = read({ types, primaryType: 'M', domain: {}, message })
      expect(plan.summary.fields).toMatchObject({ 'message.next.id': '2', 'message.next.next': 'null' })
      return toHex(digestOf(plan))
    })
    expect(digests[0]).toBe(digests[1])
  })

  test('the domain alone', () => {
    const data = { types: {}, primaryType: 'EIP712Domain', domain: { name: 'x', chainId: '0x1' }, message: {} }
    expect(toHex(digestOf(read(data)))).toBe(hashTypedData({ ...data, types: { EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'chainId', type: 'uint256' }] } } as never))
    expect(codeFor({ ...data, message: { x: 1 } })).toBe('typed_data_malformed')
  })
})

function withoutDomain({ types }: TypedDataJson): Record<string, { name: string; type: string }[]> {
  return Object.fromEntries(Object.entries(types).filter(([name]) => name !== 'EIP712Domain').map(([name, fields]) => [name, [...fields]]))
}

describe('warnings', () => {
  test.each<[string, object, readonly string[]]>([
    ['no chain id', { ...MAIL, types: { ...MAIL.types, EIP712Domain: [{ name: 'name', type: 'string' }] }, domain: { name: 'x' } }, ['any_chain', 'unknown_typed_data']],
    ['text that runs backwards', { ...MAIL, message: { ...MAIL.message, contents: 'a\u202eb' } }, ['unknown_typed_data', 'hidden_characters']],
    ['a mistyped address', { ...MAIL, message: { ...MAIL.message, from: { name: 'Cow', wallet: A.replace('CD', 'cD') } } }, ['unknown_typed_data', 'address_checksum']],
  ])('%s', (_, data, warnings) => expect(read(data).summary.warnings).toEqual(warnings))

  test('what can not be seen is written out', () => {
    expect(read({ ...MAIL, message: { ...MAIL.message, contents: 'a\u202eb' } }).summary.fields['message.contents']).toBe('a\\u{202e}b')
  })
})

describe('values', () => {
  test.each<[string, unknown, string]>([
    ['uint8', 255, '255'], ['uint8', '255', '255'], ['uint8', '0xff', '255'], ['int8', -128, '-128'], ['int8', '127', '127'],
    ['uint256', (2n ** 256n - 1n).toString(), (2n ** 256n - 1n).toString()], ['int256', (-(2n ** 255n)).toString(), (-(2n ** 255n)).toString()],
    ['uint', 9007199254740991, '9007199254740991'], ['int', -1, '-1'], ['bool', true, 'true'], ['bool', false, 'false'],
    ['bytes1', '0xAb', '0xab'], ['bytes32', `0x${'1'.repeat(64)}`, `0x${'1'.repeat(64)}`], ['bytes', '0x', '0x'], ['string', null, ''], ['string', '', ''],
    ['address', A.toLowerCase(), A], ['address', A, A],
  ])('%s takes %j', (type, value, shown) => expect(read(one(type, value)).summary.fields['message.x']).toBe(shown))

  test.each<[string, unknown]>([
    ['uint8', 256], ['uint8', -1], ['uint8', '-1'], ['int8', 128], ['int8', -129], ['uint256', (2n ** 256n).toString()], ['int256', (2n ** 255n).toString()],
    ['uint256', 1.5], ['uint256', 9007199254740992], ['uint256', ''], ['uint256', '0x'], ['uint256', '01'], ['uint256', '+1'], ['uint256', '-0'],
    ['uint256', ' 1'], ['uint256', '1e3'], ['uint256', '-0x1'], ['uint256', '0X1'], ['uint256', true], ['uint256', null], ['uint256', `0x${'0'.repeat(65)}`],
    ['bool', 'true'], ['bool', 0], ['bool', 1], ['bool', null], ['string', 10], ['string', {}], ['bytes', '10'], ['bytes', '0x1'], ['bytes', '0xzz'],
    ['bytes', 10], ['bytes', [1]], ['bytes', null], ['bytes1', '0x'], ['bytes1', '0x1111'], ['bytes32', '0x10'], ['bytes32', 1],
    ['address', A.slice(2)], ['address', A.slice(0, 41)], ['address', `${A}0`], ['address', 1], ['address', null], ['address', '0X' + A.slice(2)],
    ['uint8[]', 1], ['uint8[2]', [1]], ['uint8[1]', [1, 2]], ['uint8[]', null], ['uint8[]', [256]], ['uint8[][2]', [[1]]], ['uint8[]', { 0: 1 }],
  ])('%s refuses %j', (type, value) => expect(codeFor(one(type, value))).toBe('typed_data_malformed'))

  test.each(['uint7', 'uint264', 'uint0', 'uint08', 'bytes0', 'bytes33', 'bytes01', 'fixed', 'fixed128x18', 'function', 'byte', 'foo', 'uint8[0]', 'uint8[01]', 'uint8[-1]', 'uint8[', 'uint8]', '[]', '', 'string ', 'Uint8'])(
    'no type: %j',
    (type) => expect(codeFor(one(type, 1))).toBe('typed_data_malformed'),
  )
})

describe('refused', () => {
  const malformed: readonly (readonly [string, unknown])[] = [
    ['nothing', ''], ['no object', '[]'], ['null', 'null'], ['trailing text', `${JSON.stringify(MAIL)} 1`],
    ['the same name twice', JSON.stringify(MAIL).replace('"contents":"Hello!"', '"contents":"Hello!","contents":"Bye!"')],
    ['a field of its own', { ...MAIL, extra: 1 }], ['no domain', { ...MAIL, domain: undefined }], ['no message', { ...MAIL, message: undefined }],
    ['no types', { ...MAIL, types: undefined }], ['no primary type', { ...MAIL, primaryType: undefined }], ['a primary type that is not there', { ...MAIL, primaryType: 'Letter' }],
    ['a primary type that is no struct', { ...MAIL, primaryType: 'string' }], ['a primary type that is an array', { ...MAIL, primaryType: 'Mail[]' }],
    ['a member more than the struct has', { ...MAIL, message: { ...MAIL.message, cc: 1 } }],
    ['a member more, deeper', { ...MAIL, message: { ...MAIL.message, from: { name: 'Cow', wallet: A, id: 1 } } }],
    ['a member less', { ...MAIL, message: { ...MAIL.message, contents: undefined } }],
    ['text for a struct', { ...MAIL, message: { ...MAIL.message, from: 'Cow' } }], ['a list for a struct', { ...MAIL, message: { ...MAIL.message, from: [] } }],
    ['a message that is null', { ...MAIL, message: null }], ['a domain that is null', { ...MAIL, domain: null }],
    ['a domain with a field that its type has not', { ...MAIL, domain: { ...MAIL.domain, version: '1' } }],
    ['a domain without a field that its type has', { ...MAIL, domain: { name: 'x', chainId: 1 } }],
    ['a domain with a field that nobody knows', { ...MAIL, types: { ...MAIL.types, EIP712Domain: [{ name: 'x', type: 'string' }] }, domain: { x: '' } }],
    ['a domain in another order', domainOf([{ name: 'chainId', type: 'uint256' }, { name: 'name', type: 'string' }], { name: 'x', chainId: 1 })],
    ['a domain of another type', domainOf([{ name: 'chainId', type: 'uint64' }], { chainId: 1 })],
    ['a domain whose value is null', domainOf([{ name: 'name', type: 'string' }, { name: 'salt', type: 'bytes32' }], { name: 'x', salt: null })],
    ['a domain that derives nothing', { ...one('uint8', 1), domain: { nonce: 1 } }],
    ['a struct named like a type', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8' }], uint8: [] } }],
    ['a struct named like a type to be', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8' }], uint7: [] } }],
    ['a struct whose name could be two', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8' }], 'N(uint8 x)O': [] } }],
    ['a field whose name could be two', { ...one('uint8', 1), types: { M: [{ name: 'x,uint8 y', type: 'uint8' }] }, message: { 'x,uint8 y': 1 } }],
    ['a field without name', { ...one('uint8', 1), types: { M: [{ name: '', type: 'uint8' }] }, message: { '': 1 } }],
    ['a field twice', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8' }, { name: 'x', type: 'uint8' }] } }],
    ['a field with more to it', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8', indexed: true }] } }],
    ['a type unused that is none', { ...one('uint8', 1), types: { M: [{ name: 'x', type: 'uint8' }], N: [{ name: 'y', type: 'foo' }] } }],
    ['fields that are no list', { ...one('uint8', 1), types: { M: {} } }], ['types that are a list', { ...one('uint8', 1), types: [] }],
    ['half a character', JSON.stringify(one('string', 'a')).replace('"a"', '"\\ud83d"')],
    ['65 structs', { ...one('uint8', 1), types: Object.fromEntries([['M', [{ name: 'x', type: 'uint8' }]], ...Array.from({ length: 64 }, (_, i) => [`S${i}`, []])]) }],
  ]
  test.each(malformed)('%s', (_, data) => expect(codeFor(data)).toBe('typed_data_malformed'))

  test('what is no UTF-8, has a byte order mark, or is too long', () => {
    const text = JSON.stringify(MAIL)
    const codeOfBytes = (bytes: Uint8Array) => codeOf(() => readTypedData(payload('typedData', bytes)))
    expect(codeOfBytes(Buffer.from(text))).toBe('ok')
    expect(codeOfBytes(Buffer.from(text.replace('Hello', '\u00ff'), 'latin1'))).toBe('typed_data_malformed')
    expect(codeOfBytes(Buffer.from(`\ufeff${text}`))).toBe('typed_data_malformed')
    expect(codeOfBytes(Buffer.from(text.padEnd(LIMITS.maxPayloadBytes)))).toBe('ok')
    expect(codeOfBytes(Buffer.from(text.padEnd(LIMITS.maxPayloadBytes + 1)))).toBe('tx_too_large')
  })

  test('another chain, by whatever name', () => {
    for (const chainId of [1, '1', '0x1', '0x01']) expect(codeFor({ ...MAIL, domain: { ...MAIL.domain, chainId } })).toBe('ok')
    for (const chainId of [0, 10, '10', '0xa', (2n ** 255n).toString()]) expect(codeFor({ ...MAIL, domain: { ...MAIL.domain, chainId } })).toBe('tx_chain_id_mismatch')
    expect(codeFor(MAIL, null, 'eip155:10')).toBe('tx_chain_id_mismatch')
    expect(codeFor(MAIL, null, 'eip155:x')).toBe('chain_unknown')
  })

  test('ids of chains as CAIP-2 writes them, and 0, which a domain may name', () => {
    const on = (chainId: string): string => codeFor({ ...MAIL, domain: { ...MAIL.domain, chainId } }, null, `eip155:${chainId}`)
    for (const chainId of ['0', '9'.repeat(32)]) expect(on(chainId)).toBe('ok')
    for (const chainId of ['00', '01', '-1', `1${'0'.repeat(32)}`]) expect(on(chainId)).toBe('chain_unknown')
  })

  test('a context that says something else than a version', () => {
    for (const version of ['V3', 'V4']) expect(codeFor(one('uint8', 1), { version })).toBe('ok')
    for (const context of [{}, { version: 'V2' }, { version: 4 }, { version: 'V4', more: 1 }, 'V4', []]) expect(codeFor(one('uint8', 1), context)).toBe('parameters_malformed')
  })

  test('types that all refer to each other, beyond hashing', () => {
    const dense = (count: number): object => {
      const names = Array.from({ length: count }, (_, i) => `S${i}${'x'.repeat(120)}`)
      const fields = names.map((type, i) => ({ name: `f${i}`, type: `${type}[]` }))
      return {
        types: { M: names.map((type, i) => ({ name: `f${i}`, type })), ...Object.fromEntries(names.map((name) => [name, fields])) },
        primaryType: 'M', domain: {}, message: Object.fromEntries(fields.map(({ name }) => [name, Object.fromEntries(fields.map((field) => [field.name, []]))])),
      }
    }
    expect(codeFor(dense(4))).toBe('ok')
    expect(codeFor(dense(16))).toBe('typed_data_malformed')
  })

  test('deep or wide beyond reading, without hanging', () => {
    const types = { M: [{ name: 'x', type: 'M' }] }
    const nested = (depth: number): string => `{"types":${JSON.stringify(types)},"primaryType":"M","domain":{},"message":${'{"x":'.repeat(depth)}null${'}'.repeat(depth)}}`
    expect(codeFor(nested(20))).toBe('ok')
    expect(codeFor(nested(40))).toBe('typed_data_malformed')
    expect(codeFor(nested(20_000))).toBe('typed_data_malformed')
    expect(codeFor(one('uint8[]', Array(3000).fill(1)))).toBe('ok')
    expect(codeFor(one('uint8[]', Array(5000).fill(1)))).toBe('typed_data_malformed')
    expect(codeFor(one(`uint8${'[]'.repeat(100)}`, []))).toBe('ok')
    expect(codeFor(one(`uint8${'[]'.repeat(126)}`, []))).toBe('typed_data_malformed')
  })
})

function domainOf(type: object, domain: object): object {
  return { ...one('uint8', 1), types: { EIP712Domain: type, M: [{ name: 'x', type: 'uint8' }] }, domain }
}

describe('version 3', () => {
  const V3 = { version: 'V3' }

  test('is the same without arrays', () => {
    const { from, contents } = MAIL.message
    const data = { ...MAIL, types: { ...MAIL.types, Mail: [{ name: 'from', type: 'Person' }, { name: 'contents', type: 'string' }] }, message: { from, contents } }
    expect(digestOf(read(data, V3))).toEqual(digestOf(read(data)))
    expect(read(data, V3).summary.kind).toBe('typed_data_v3')
    expect(codeFor(MAIL, V3)).toBe('typed_data_malformed')
  })

  test('leaves out a struct that is not there; null is refused', () => {
    const data = { types: { M: [{ name: 'id', type: 'uint8' }, { name: 'next', type: 'M' }] }, primaryType: 'M', domain: {}, message: { id: 1 } }
    expect(digestOf(read(data, V3))).not.toEqual(digestOf(read(data)))
    expect(read(data, V3).summary.fields['message.next']).toBe('null')
    expect(codeFor({ ...data, message: { id: 1, next: null } }, V3)).toBe('typed_data_malformed')
    expect(codeFor({ ...data, message: {} }, V3)).toBe('typed_data_malformed')
  })
})

describe('version 1', () => {
  const V1 = { version: 'V1' }
  const entries = [{ type: 'string', name: 'Message', value: 'Hi, Alice!' }, { type: 'uint32', name: 'A number', value: '1337' }]

  test('reads the list that it was', () => {
    expect(read(entries, V1).summary).toEqual({
      chain: 'eip155:1',
      kind: 'typed_data_v1',
      actions: [{ action: 'sign_typed_data', fields: {} }],
      fields: {
        'message[0].type': 'string', 'message[0].name': 'Message', 'message[0].value': 'Hi, Alice!',
        'message[1].type': 'uint32', 'message[1].name': 'A number', 'message[1].value': '1337',
      },
      warnings: ['any_chain', 'legacy_typed_data', 'unknown_typed_data'],
    })
  })

  test.each<[string, unknown]>([
    ['no list', MAIL], ['an empty one', []], ['an array', [{ type: 'uint8[]', name: 'x', value: [1] }]], ['a struct', [{ type: 'M', name: 'x', value: {} }]],
    ['no value', [{ type: 'uint8', name: 'x' }]], ['more than three', [{ type: 'uint8', name: 'x', value: 1, more: 1 }]],
    ['out of range', [{ type: 'uint8', name: 'x', value: 256 }]], ['too many', Array(257).fill(entries[0])], ['a name that is none', [{ type: 'uint8', name: 1, value: 1 }]],
  ])('refuses %s', (_, data) => expect(codeFor(data, V1)).toBe('typed_data_malformed'))

  test('and version 4 refuses it', () => expect(codeFor(entries)).toBe('typed_data_malformed'))
})
