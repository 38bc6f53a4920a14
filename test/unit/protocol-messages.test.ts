/** Every message of the wire: it reads what it wrote, and nothing that is missing, more, of another kind or out of bounds. */
import fc from 'fast-check'
import { answerBinding, decodeAnswer, encodeAnswer } from '../../lib/protocol/answer.ts'
import { decodeCbor, encodeCbor, type CborValue } from '../../lib/protocol/cbor.ts'
import { concat, toHex } from '../../lib/protocol/bytes.ts'
import { ERRORS, isErrorCode } from '../../lib/protocol/errors.ts'
import { decodeHeader, encodeHeader, FACTOR_OPERATIONS, OPERATIONS, WALLET_ID } from '../../lib/protocol/header.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import * as lifecycle from '../../lib/protocol/lifecycle.ts'
import { CHAIN, decodeSignParameters, decodeSignResult, encodeSignParameters, encodeSignResult, NO_PERMISSIONS, PATH, type Payload } from '../../lib/protocol/operations.ts'
import { WALLET_KINDS, EXPORTS, type WalletView } from '../../lib/protocol/wallet-view.ts'
import { decodeRecord, encodeRecord } from '../../lib/protocol/record.ts'
import { decodeBody, encodeBody, encodeUnprovenBody, type RequestBody } from '../../lib/protocol/request.ts'
import {
  decodeAttestRequest, decodeChannelBinding, decodeChannelOffer, decodeChannels, decodeServiceAnswer, decodeServiceRequest, encodeAttestRequest, encodeChannelBinding, encodeChannelOffer,
  encodeChannels, encodeServiceAnswer, encodeServiceRequest,
} from '../../lib/protocol/service.ts'

const wallet = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
const b = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill)
const guesses = { guessesLeft: 4, lockedUntilMs: 0, wrongTotal: 1 }
const account = { namespace: 'eip155', path: "m/44'/60'/0'/0/0", address: '0x3535353535353535353535353535353535353535', publicKey: b(33), chainCode: null }
const body: RequestBody = {
  op: 'sign', wallet, request: b(16), issuedAtMs: 5, idempotency: b(16, 2), token: b(32), proof: { x: b(32), y: b(32), random: b(32), signature: b(64) }, pin: b(4), otp: b(6), parameters: { a: 1 },
}
const record = {
  format: 1, owner: 'user#demo#ab#alice', wallet, version: 3, dataKey: b(100), state: b(28), seed: b(28), spent: 2, lockedUntilMs: 0, wrongMs: [4, 5], createdAtMs: 1, expiresAtSec: 0,
}
const payload: Payload = { chain: 'eip155:1', path: account.path, kind: 'transaction', data: b(0), context: { tables: [] }, summary: b(32) }
const bareView: WalletView = {
  wallet, version: 1, createdAtMs: 1, label: '', kind: 'mnemonic', accounts: [], permissions: NO_PERMISSIONS, fingerprint: b(32), recoveryMadeAtMs: null, factor: null, export: null, goneAtMs: null,
  receipts: { key: b(64), count: 0, head: b(32) }, ...guesses,
}
const view: WalletView = {
  ...bareView, label: 'Ärger 🗝', kind: 'ed25519', accounts: [account, { ...account, chainCode: b(32) }], permissions: { exportable: true, rawHash: true, withoutChainId: true, anySighash: true }, recoveryMadeAtMs: 4,
  factor: { confirmed: true, operations: ['sign', 'export'] }, export: { what: 'privateKey', path: 'm', readyAtMs: 5 }, goneAtMs: 7, receipts: { key: b(64), count: 3, head: b(32) },
}
const newWallet = { label: 'mine', permissions: NO_PERMISSIONS, recovery: true }
const message = { token: b(10), header: b(20), enc: b(32), ciphertext: b(16), record }

interface Row {
  readonly name: string
  /** Well-formed values, as CBOR reads them. */
  readonly good: readonly CborValue[]
  /** One field (a path of names) to a value that is refused. */
  readonly bad: readonly (readonly [string, CborValue])[]
  readonly decode: (value: CborValue) => unknown
  readonly optional?: readonly string[]
}

const fromBytes = (decode: (bytes: Uint8Array) => unknown) => (value: CborValue): unknown => decode(encodeCbor(value))
const shown = (bytes: Uint8Array): CborValue => decodeCbor(bytes) as CborValue
const bounds = (name: string, ...values: readonly CborValue[]): (readonly [string, CborValue])[] => values.map((value) => [name, value] as const)
const integers = (name: string): (readonly [string, CborValue])[] => bounds(name, -1, 'x', null, b(1))
const uuids = (name: string) => bounds(name, '', wallet.toUpperCase(), wallet.slice(1), `${wallet}\n`, wallet.replace('4a5e', '1a5e'), wallet.replace('9a3c', '7a3c'), b(16))

const labels = (name: string) => bounds(name, null, 1, 'a'.repeat(65), 'a\nb', 'a\0', 'a\u202eb', 'a\u2028b')
const permissions = (name: string) => [...bounds(name, null, {}, []), ...Object.keys(NO_PERMISSIONS).flatMap((one) => bounds(`${name}.${one}`, 0, null, 'true'))]
const codes = (name: string) => bounds(name, b(15), b(17), 'x')
const accounts = (name: string) =>
  bounds(name, null, {}, [1], [{ ...account, address: 'a b' }], [{ ...account, publicKey: b(31) }], [{ ...account, publicKey: b(34) }], [{ ...account, chainCode: b(31) }], [{ ...account, namespace: 'EIP155' }], [{ ...account, path: 'x' }], [{ ...account, more: 1 }])
/** What is wrong of a wallet view, wherever it stands. */
const badView = (at: string): (readonly [string, CborValue])[] => {
  const within = (name: string): string => `${at}.${name}`
  return [
    ...bounds(at, null, {}, []), ...uuids(within('wallet')), ...bounds(within('version'), 0, '1'), ...integers(within('createdAt')), ...labels(within('label')), ...bounds(within('kind'), 'wif', null),
    ...accounts(within('accounts')), ...bounds(within('accounts'), Array.from({ length: LIMITS.maxAccounts + 1 }, () => account)), ...permissions(within('permissions')), ...bounds(within('fingerprint'), b(31), b(33)),
    ...bounds(within('recoveryMadeAt'), -1, '1', true), ...bounds(within('factor'), {}, false), ...bounds(within('factor.confirmed'), null, 1), ...bounds(within('factor.operations'), null, ['burn'], Array.from({ length: OPERATIONS.length + 1 }, () => 'sign')),
    ...bounds(within('factor.secret'), b(20)), ...bounds(within('export'), {}, false), ...bounds(within('export.what'), 'all', null), ...bounds(within('export.path'), '', 'x', 1), ...integers(within('export.readyAt')), ...bounds(within('export.more'), 1),
    ...bounds(within('goneAt'), -1, 'x'), ...bounds(within('receipts'), null, {}), ...bounds(within('receipts.key'), b(63), b(65)), ...integers(within('receipts.count')), ...bounds(within('receipts.head'), b(31), b(33)), ...bounds(within('receipts.privateKey'), b(32)),
    ...bounds(within('guesses'), null, {}), ...bounds(within('guesses.left'), -1, 1001), ...integers(within('guesses.lockedUntil')), ...bounds(within('guesses.wrongTotal'), -1, 100_001), ...bounds(within('more'), 1),
  ]
}

const rows: readonly Row[] = [
  {
    name: 'header', decode: fromBytes(decodeHeader), good: OPERATIONS.map((op) => shown(encodeHeader({ op, wallet, key: b(16) }))),
    bad: [...bounds('v', 0, 2, '1'), ...bounds('op', 'burn', '', 'Sign', 1), ...uuids('wallet'), ...bounds('key', b(15), b(17), 'x')],
  },
  {
    name: 'body', decode: fromBytes(decodeBody),
    good: [shown(encodeBody(body)), shown(encodeBody({ ...body, proof: null, pin: null, otp: null, parameters: [] })), shown(encodeBody({ ...body, pin: b(0) })), shown(encodeBody({ ...body, pin: b(1024) }))],
    bad: [
      ...bounds('op', 'burn', null), ...uuids('wallet'), ...bounds('request', b(15), b(17), null), ...integers('issuedAt'), ...bounds('idempotency', b(15), b(17)), ...bounds('token', b(31), b(33)),
      ...bounds('proof', {}, b(1), []), ...bounds('proof.x', b(31), b(33)), ...bounds('proof.y', b(31)), ...bounds('proof.random', b(31)), ...bounds('proof.signature', b(63), b(65), null),
      ...bounds('pin', '1234', 1234, b(1025)), ...bounds('otp', '123456', 123456, b(5), b(7)), ...bounds('parameters', null, 1, 'x'),
    ],
  },
  {
    name: 'record', decode: decodeRecord, good: [encodeRecord(record), encodeRecord({ ...record, wrongMs: [] }), encodeRecord({ ...record, spent: 0, expiresAtSec: 5 })],
    bad: [
      ...bounds('format', 0, 2), ...bounds('owner', '', 'alice', 'user#', 'user#a\n', `user#${'a'.repeat(601)}`, 'user#ä', b(10)), ...uuids('wallet'), ...bounds('version', 0, -1, '3'),
      ...bounds('dataKey', b(0), b(6145), 'x'), ...bounds('state', b(27), b(128 * 1024 + 1)), ...bounds('seed', b(27), b(4097)), ...integers('spent'), ...integers('lockedUntilMs'), ...integers('createdAtMs'), ...integers('expiresAtSec'),
      ...bounds('wrongMs', null, [-1], ['4'], [5, 4], [4, 4], Array.from({ length: 10_001 }, (_, i) => i)),
    ],
  },
  {
    name: 'request to the enclave', decode: fromBytes(decodeServiceRequest), good: [shown(encodeServiceRequest(message)), shown(encodeServiceRequest({ ...message, record: null }))],
    bad: [
      ...bounds('token', b(0), b(LIMITS.maxTokenBytes + 1), 'x'), ...bounds('header', b(0), b(257)), ...bounds('enc', b(31), b(33)), ...bounds('ciphertext', b(15), b(LIMITS.maxBodyBytes + 1)),
      ...bounds('record', {}, []), ...bounds('record.version', 0),
    ],
  },
  {
    name: 'answer of the enclave', decode: fromBytes(decodeServiceAnswer),
    good: [
      shown(encodeServiceAnswer({ outcome: 'done', answer: b(48) })), shown(encodeServiceAnswer({ outcome: 'refused', answer: b(100) })),
      shown(encodeServiceAnswer({ outcome: 'busy', code: 'busy', retryAfterSec: 1 })), shown(encodeServiceAnswer({ outcome: 'not_tried', code: 'stale', retryAfterSec: null })),
    ],
    bad: bounds('outcome', 'ok', null, 1),
  },
  {
    name: 'sealed answer', decode: fromBytes(decodeAnswer),
    good: [
      shown(encodeAnswer('sign', b(16), { ok: true, result: { a: 1 } })), shown(encodeAnswer('sign', b(16), { ok: false, code: 'pin_wrong', guesses })),
      shown(encodeAnswer('view', b(16), { ok: false, code: 'wallet_not_found', guesses: null })),
    ],
    bad: [...bounds('op', 'burn', null), ...bounds('request', b(15), b(17))],
  },
  {
    name: 'offer', decode: fromBytes(decodeChannelOffer), good: [shown(encodeChannelOffer({ document: b(1), key: b(16) }))],
    bad: [...bounds('document', b(0), b(16 * 1024 + 1), 'x'), ...bounds('key', b(15), b(17))],
  },
  {
    name: 'attest request', decode: fromBytes(decodeAttestRequest), good: [shown(encodeAttestRequest(b(16))), shown(encodeAttestRequest(b(64)))], bad: bounds('nonce', b(15), b(65), 'x', null),
  },
  {
    name: 'channel binding', decode: fromBytes(decodeChannelBinding), good: [shown(encodeChannelBinding({ key: b(16), notAfterMs: 5 }))],
    bad: [...bounds('v', 0, 2), ...bounds('key', b(15), b(17)), ...integers('notAfter')],
  },
  {
    name: 'create parameters', decode: lifecycle.decodeCreateParameters,
    good: [lifecycle.encodeCreateParameters({ words: 12, ...newWallet }), lifecycle.encodeCreateParameters({ words: 24, label: '', permissions: view.permissions, recovery: false })],
    bad: [...bounds('words', 0, 15, 18, '12', null), ...labels('label'), ...permissions('permissions'), ...bounds('recovery', null, 1)],
  },
  {
    name: 'import parameters, mnemonic', decode: lifecycle.decodeImportParameters,
    good: [b(0), b(255)].map((passphrase) => lifecycle.encodeImportParameters({ secret: { kind: 'mnemonic', mnemonic: b(80), passphrase }, ...newWallet })),
    bad: [
      ...bounds('secret', null, {}, [], b(32)), ...bounds('secret.kind', null, 'xprv', 'ed25519'), ...bounds('secret.mnemonic', 'abandon', b(1025)), ...bounds('secret.passphrase', '', null, b(LIMITS.maxPassphraseBytes + 1)), ...bounds('secret.key', b(32)),
      ...labels('label'), ...permissions('permissions'), ...bounds('recovery', null, 1), ...bounds('words', 12),
    ],
  },
  {
    name: 'import parameters, key', decode: lifecycle.decodeImportParameters,
    good: (['secp256k1', 'ed25519'] as const).map((kind) => lifecycle.encodeImportParameters({ secret: { kind, key: b(32) }, ...newWallet })),
    bad: [...bounds('secret.kind', 'mnemonic', 'p256'), ...bounds('secret.key', 'x', null, b(65)), ...bounds('secret.passphrase', b(0))],
  },
  { name: 'no parameters', decode: lifecycle.decodeNothing, good: [{}], bad: [] },
  {
    name: 'account names', decode: lifecycle.decodeAccountNames,
    good: [1, LIMITS.maxAccountsPerCall].map((length) => lifecycle.encodeAccountNames(Array.from({ length }, (_, i) => ({ namespace: 'eip155', path: `m/${i}` })))),
    bad: bounds(
      'accounts', null, [], {}, ['m'], [{ namespace: 'eip155' }], [{ namespace: 'eip155:1', path: 'm' }], [{ namespace: 'eip155', path: 'x' }], [{ namespace: 'eip155', path: 'm', more: 1 }],
      Array.from({ length: LIMITS.maxAccountsPerCall + 1 }, () => ({ namespace: 'eip155', path: 'm' })),
    ),
  },
  { name: 'accounts', decode: lifecycle.decodeAccounts, good: [lifecycle.encodeAccounts([account]), lifecycle.encodeAccounts([])], bad: [...accounts('accounts'), ...bounds('accounts', Array.from({ length: LIMITS.maxAccountsPerCall + 1 }, () => account))] },
  { name: 'rename parameters', decode: lifecycle.decodeRenameParameters, good: [{ label: 'x' }, { label: '' }, { label: '🗝'.repeat(64) }], bad: labels('label') },
  { name: 'change PIN parameters', decode: lifecycle.decodeChangePinParameters, good: [{ pin: b(4) }, { pin: b(0) }, { pin: b(1024) }], bad: bounds('pin', null, '1234', b(1025)) },
  { name: 'recover parameters', decode: lifecycle.decodeRecoverParameters, good: [{ code: b(16), removeFactor: true }, { code: b(16), removeFactor: false }], bad: [...codes('code'), ...bounds('code', null), ...bounds('removeFactor', null, 1)] },
  {
    name: 'export parameters', decode: lifecycle.decodeExportParameters, good: [{ what: 'privateKey', path: 'm/0' }, { what: 'mnemonic', path: null }, { what: 'backup', path: null }],
    bad: [...bounds('what', null, 'all', 'mnemonic', 'backup'), ...bounds('path', null, '', 'x', 1)],
  },
  {
    name: 'factor parameters', decode: lifecycle.decodeFactorParameters, good: [{ operations: ['sign'] }, { operations: [...FACTOR_OPERATIONS] }],
    bad: bounds('operations', null, [], ['burn'], ['sign', 'sign'], 'sign', ['recover'], ['view'], ['create'], [...FACTOR_OPERATIONS, 'sign']),
  },
  { name: 'view', decode: lifecycle.decodeView, good: [view, bareView, ...WALLET_KINDS.map((kind) => ({ ...view, kind }))].map(lifecycle.encodeView), bad: badView('view') },
  {
    name: 'view with recovery code', decode: lifecycle.decodeWithRecovery, good: [b(16), null].map((recovery) => lifecycle.encodeWithRecovery({ view, recovery })), bad: [...codes('recovery'), ...badView('view')],
  },
  {
    name: 'export, announced', decode: lifecycle.decodeExportResult,
    good: EXPORTS.map((what) => lifecycle.encodeExportResult({ kind: 'pending', export: { what, path: what === 'privateKey' ? 'm/0' : null, readyAtMs: 5 }, view })),
    bad: [...bounds('kind', null, 'all', 'mnemonic', 'privateKey', 'backup'), ...bounds('export', null, {}), ...bounds('export.what', 'all'), ...bounds('export.path', 'x'), ...integers('export.readyAt'), ...bounds('view', null, {}), ...bounds('view.version', 0)],
  },
  {
    name: 'export, mnemonic', decode: lifecycle.decodeExportResult, good: [b(0), b(255)].map((passphrase) => lifecycle.encodeExportResult({ kind: 'mnemonic', mnemonic: b(80), passphrase, view })),
    bad: [...bounds('kind', 'pending', 'backup'), ...bounds('mnemonic', b(0), 'x', b(1025)), ...bounds('passphrase', null, b(256)), ...bounds('view', null), ...bounds('view.more', 1)],
  },
  {
    name: 'export, private key', decode: lifecycle.decodeExportResult, good: [lifecycle.encodeExportResult({ kind: 'privateKey', account, key: b(32), view })],
    bad: [...bounds('kind', 'pending', 'mnemonic'), ...bounds('account', null, {}), ...bounds('account.publicKey', b(31)), ...bounds('key', b(31), b(33), null), ...bounds('view', null)],
  },
  {
    name: 'export, backup', decode: lifecycle.decodeExportResult, good: [b(1), b(65_536)].map((file) => lifecycle.encodeExportResult({ kind: 'backup', file, view })),
    bad: [...bounds('kind', 'pending', 'mnemonic'), ...bounds('file', b(0), b(65_537), 'x'), ...bounds('view', null)],
  },
  {
    name: 'history key', decode: lifecycle.decodeHistoryKey, good: [[], [b(1), b(16_384)], Array.from({ length: 256 }, () => b(1))].map((tail) => lifecycle.encodeHistoryKey({ view, key: b(32), tail })),
    bad: [...badView('view').slice(0, 3), ...bounds('key', b(31), b(33), null), ...bounds('tail', null, [1], [b(0)], [b(16_385)], Array.from({ length: 257 }, () => b(1)))],
  },
  { name: 'factor secret', decode: lifecycle.decodeFactorSecret, good: [lifecycle.encodeFactorSecret({ view, secret: b(20) })], bad: [...bounds('view', null, {}), ...bounds('secret', b(19), b(21), null)] },
  {
    name: 'sign parameters', decode: decodeSignParameters,
    good: [[payload], [{ ...payload, context: null, summary: null }, payload], Array.from({ length: LIMITS.maxPayloads }, () => payload)].map((payloads) => encodeSignParameters({ payloads })),
    bad: bounds(
      'payloads', null, [], {}, [null], Array.from({ length: LIMITS.maxPayloads + 1 }, () => ({ ...payload })),
      ...['', 'eip155', 'eip155:', ':1', 'EIP155:1', 'eip155:1\n', 'eip155:1:2', 1].map((chain) => [{ ...payload, chain }]),
      ...['', 'm/', '/0', 'm/00', "m/0''", 'm/0h', 'M/0', 'm/0/', `m${'/0'.repeat(11)}`, 'm/-1'].map((path) => [{ ...payload, path }]),
      ...['', 'Transaction', null].map((kind) => [{ ...payload, kind }]),
      ...['0x', null, b(LIMITS.maxBodyBytes + 1)].map((data) => [{ ...payload, data }]),
      ...[[], 'x', 1, false, b(1)].map((context) => [{ ...payload, context }]),
      ...[b(31), b(33), 'x', false].map((summary) => [{ ...payload, summary }]),
      [{ ...payload, more: 1 }], [(({ summary: _, ...rest }) => rest)(payload)], [{ ...payload }, { ...payload, kind: 'x' }],
    ),
  },
  {
    name: 'sign result', decode: decodeSignResult,
    good: [[], [{ signed: b(1), hash: b(32), address: account.address }], [{ signed: b(1), hash: b(64), address: 'x' }]].map((signatures) => encodeSignResult({ signatures, fingerprint: b(32), ...guesses })),
    bad: [
      ...bounds('signatures', null, {}, [1], Array.from({ length: LIMITS.maxPayloads + 1 }, () => ({ signed: b(1), hash: b(32), address: 'x' }))),
      ...[{ signed: b(0) }, { signed: 'x' }, { hash: b(31) }, { hash: b(65) }, { address: '' }, { address: 'a b' }, { more: 1 }].flatMap((change) => bounds('signatures', [{ signed: b(1), hash: b(32), address: 'x', ...change }])),
      ...bounds('fingerprint', b(31)), ...bounds('guesses', null),
    ],
  },
]

function withField(value: CborValue, path: string, field: CborValue | undefined): CborValue {
  const [name, ...rest] = path.split('.') as [string, ...string[]]
  const copy = { ...(value as Record<string, CborValue>) }
  if (rest.length > 0) copy[name] = withField(copy[name] as CborValue, rest.join('.'), field)
  else if (field === undefined) delete copy[name]
  else copy[name] = field
  return copy
}

describe.each(rows.map((row) => [row.name, row] as const))('%s', (_name, { good, bad, decode }) => {
  const [first] = good as [CborValue, ...CborValue[]]

  test('reads what it wrote', () => {
    for (const value of good) expect(decode(value)).toBeDefined()
  })

  test('rejects it without any one field, with one more, and as something else', () => {
    for (const name of Object.keys(first as object)) expect([name, decode(withField(first, name, undefined))]).toEqual([name, undefined])
    expect(decode(withField(first, 'more', 1))).toBeUndefined()
    for (const other of [[], [first], 'x', 1, null, true, b(10)]) expect(decode(other as CborValue)).toBeUndefined()
    if (Object.keys(first as object).length > 0) expect(decode({})).toBeUndefined()
  })

  if (bad.length > 0) {
    test.each(bad.map(([path, value]) => [path, value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value)?.slice(0, 60), value] as const))('rejects %s: %s', (path, _shown, value) => {
      expect(decode(withField(first, path, value))).toBeUndefined()
    })
  }
})

describe('bytes of a message', () => {
  const encodings: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
    ['header', encodeHeader({ op: 'sign', wallet, key: b(16) }), decodeHeader],
    ['body', encodeBody(body), decodeBody],
    ['request', encodeServiceRequest(message), decodeServiceRequest],
    ['answer', encodeServiceAnswer({ outcome: 'done', answer: b(48) }), decodeServiceAnswer],
    ['sealed answer', encodeAnswer('sign', b(16), { ok: false, code: 'pin_wrong', guesses }), decodeAnswer],
    ['offer', encodeChannelOffer({ document: b(20), key: b(16) }), decodeChannelOffer],
    ['channels', encodeChannels([b(16), b(16, 2)]), decodeChannels],
    ['binding', encodeChannelBinding({ key: b(16), notAfterMs: 5 }), decodeChannelBinding],
  ]

  test.each(encodings)('%s: one encoding; cut, longer or with another byte it is nothing or something else', (_name, bytes, decode) => {
    const good = JSON.stringify(decode(bytes))
    expect(good).toBeDefined()
    for (let length = 0; length < bytes.length; length++) expect(decode(bytes.slice(0, length))).toBeUndefined()
    expect(decode(Uint8Array.of(...bytes, 0))).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, to) => {
        fc.pre(bytes[at] !== to)
        const read = decode(bytes.with(at, to))
        if (read !== undefined) expect(JSON.stringify(read)).not.toBe(good)
      }),
    )
  })

  test.each(encodings)('%s: any bytes at all are read or not, and nothing is thrown', (_name, _bytes, decode) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decode(bytes)))
  })
})

test.each<[string, Record<string, CborValue>, (bytes: Uint8Array) => unknown]>([
  ['header', { v: 1, op: 'sign', wallet, key: b(16) }, decodeHeader],
  ['binding', { v: 1, key: b(16), notAfter: 5 }, decodeChannelBinding],
  ['offer', { document: b(20), key: b(16) }, decodeChannelOffer],
])('%s: rejects its fields in another order, which would be another encoding of the same', (_name, fields, decode) => {
  const entries = Object.entries(fields).map((entry) => concat(...entry.map((item) => encodeCbor(item))))
  const inOrder = (parts: readonly Uint8Array[]): unknown => decode(concat(Uint8Array.of(0xa0 + parts.length), ...parts))
  const sorted = entries.toSorted((one, other) => Buffer.compare(one, other))
  expect(inOrder(sorted)).toBeDefined()
  expect(inOrder(sorted.toReversed())).toBeUndefined()
})

test('channels: up to 16 ids of 16 bytes', () => {
  expect(decodeChannels(encodeChannels([]))).toEqual([])
  expect(decodeChannels(encodeChannels(Array.from({ length: 16 }, () => b(16))))).toHaveLength(16)
  expect(decodeChannels(encodeChannels(Array.from({ length: 17 }, () => b(16))))).toBeUndefined()
  expect(decodeChannels(encodeChannels([b(15)]))).toBeUndefined()
})

test('a service answer carries an answer or a code, by its outcome, and known codes only', () => {
  const read = (value: CborValue): unknown => decodeServiceAnswer(encodeCbor(value))
  const clear = { outcome: 'not_tried', answer: null, code: 'stale', retryAfter: null }
  expect(read(clear)).toEqual({ outcome: 'not_tried', code: 'stale', retryAfterSec: null })
  for (const change of [{ code: 'no_such_code' }, { code: null }, { code: 'toString' }, { retryAfter: -1 }, { retryAfter: 86_401 }, { retryAfter: '1' }, { answer: b(48) }]) expect(read({ ...clear, ...change })).toBeUndefined()
  const sealed = { outcome: 'done', answer: b(48), code: null, retryAfter: null }
  for (const change of [{ answer: null }, { answer: b(47) }, { answer: 'x' }, { code: 'stale' }, { retryAfter: 1 }]) expect(read({ ...sealed, ...change })).toBeUndefined()
})

test('a sealed answer is a result or an error, and known codes only', () => {
  const read = (change: Record<string, CborValue>): unknown => decodeAnswer(encodeCbor({ op: 'sign', request: b(16), result: null, error: { code: 'pin_wrong', guesses: null }, ...change }))
  expect(read({})).toEqual({ op: 'sign', request: b(16), outcome: { ok: false, code: 'pin_wrong', guesses: null } })
  expect(read({ result: { a: 1 }, error: null })).toEqual({ op: 'sign', request: b(16), outcome: { ok: true, result: { a: 1 } } })
  for (const change of [
    { error: null }, { result: {} }, { result: 1, error: null }, { error: { code: 'no_such_code', guesses: null } }, { error: { code: 'pin_wrong' } }, { error: { code: '__proto__', guesses: null } },
    { error: { code: 'pin_wrong', guesses: { left: 1 } } }, { error: 'pin_wrong' },
  ]) expect(read(change)).toBeUndefined()
})

test('an answer is bound to its operation and request', () => {
  const bindings = [answerBinding('sign', b(16)), answerBinding('view', b(16)), answerBinding('sign', b(16, 2))].map(toHex)
  expect(new Set(bindings).size).toBe(3)
})

test('what the proof signs over is the body without the proof, and each of its fields', () => {
  const { proof: _proof, ...unproven } = body
  const base = toHex(encodeUnprovenBody(unproven))
  expect(toHex(encodeUnprovenBody(body))).toBe(base)
  const changes: Partial<RequestBody>[] = [
    { op: 'view' }, { wallet: wallet.replace('0', '1') }, { request: b(16, 9) }, { issuedAtMs: 6 }, { idempotency: b(16, 9) }, { token: b(32, 9) }, { pin: null }, { pin: b(5) }, { otp: null }, { otp: b(6, 2) }, { parameters: {} },
  ]
  expect(new Set([base, ...changes.map((change) => toHex(encodeUnprovenBody({ ...body, ...change })))]).size).toBe(changes.length + 1)
})

test('ids, chains and paths: one spelling', () => {
  expect(WALLET_ID.test(wallet)).toBe(true)
  for (const good of ['eip155:1', 'bip122:000000000019d6689c085ae165831e93', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp']) expect(CHAIN.test(good)).toBe(true)
  for (const good of ['m', 'm/0', "m/44'/60'/0'/0/0", 'm/2147483647', `m${'/0'.repeat(10)}`]) expect(PATH.test(good)).toBe(true)
})

test('error codes: known by their own name only, and each has a title and a status where it travels in the clear', () => {
  for (const [code, { where, status, title }] of Object.entries(ERRORS)) {
    expect(isErrorCode(code)).toBe(true)
    expect(title).toMatch(/^[A-Z][^\n]+[^.]$/)
    expect(where === 'client' ? status === 0 : status >= 400 && status < 600).toBe(true)
  }
  for (const none of ['', 'constructor', '__proto__', 'hasOwnProperty', 'PIN_WRONG', 1, null, undefined, ['stale']]) expect(isErrorCode(none)).toBe(false)
})
