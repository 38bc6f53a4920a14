/** test/vectors/own, both ways: we write these bytes, we read them, and altered ones are refused. And docs/protocol.md quotes them rightly. (What is sealed or signed: own-vectors-sealed.test.ts.) */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeState, encodeState } from '../../enclave-sim/core/state.ts'
import { answerBinding, decodeAnswer, decodeSealedAnswer, encodeAnswer, encodeSealedAnswer } from '../../lib/protocol/answer.ts'
import { concat, equal, toHex } from '../../lib/protocol/bytes.ts'
import { decodeCbor, encodeCbor, type CborValue } from '../../lib/protocol/cbor.ts'
import { ERRORS } from '../../lib/protocol/errors.ts'
import { decodeHeader, encodeHeader } from '../../lib/protocol/header.ts'
import { LABELS } from '../../lib/protocol/labels.ts'
import * as lifecycle from '../../lib/protocol/lifecycle.ts'
import * as operations from '../../lib/protocol/operations.ts'
import { decodeBody, decodeSealedBody, encodeBody, encodeSealedBody, encodeUnprovenBody, type RequestBody } from '../../lib/protocol/request.ts'
import * as service from '../../lib/protocol/service.ts'
import { altered, hex, loadVectors, OWN_VECTORS, revive } from '../support/own-vectors.ts'

const ROOT = join(__dirname, '..', '..')

interface Vector {
  readonly id: string
  readonly format: string
  readonly value: unknown
  readonly encoded: string
  readonly refused?: boolean
}

interface RecordVector {
  readonly stateValue: unknown
  readonly statePlaintext: string
}

interface Codec {
  readonly encode: (value: never) => Uint8Array
  readonly decode?: (bytes: Uint8Array) => unknown
}

/** For what stands inside a body or an answer. */
const inside = <T>(read: (value: CborValue) => T | undefined) => (bytes: Uint8Array): T | undefined => {
  const value = decodeCbor(bytes)
  return value === undefined ? undefined : read(value)
}

const CODECS: Readonly<Record<string, Codec>> = {
  header: { encode: encodeHeader, decode: decodeHeader },
  unprovenBody: { encode: encodeUnprovenBody },
  body: { encode: encodeBody, decode: decodeBody },
  answer: { encode: ({ op, request, outcome }: NonNullable<ReturnType<typeof decodeAnswer>>) => encodeAnswer(op, request, outcome), decode: decodeAnswer },
  sealedBody: { encode: encodeSealedBody, decode: decodeSealedBody },
  sealedAnswer: { encode: ({ op, request, outcome }: NonNullable<ReturnType<typeof decodeAnswer>>) => encodeSealedAnswer(op, request, outcome), decode: decodeSealedAnswer },
  answerBinding: { encode: ({ op, request }: RequestBody) => answerBinding(op, request) },
  createParameters: { encode: (value: never) => encodeCbor(lifecycle.encodeCreateParameters(value)), decode: inside(lifecycle.decodeCreateParameters) },
  importParameters: { encode: (value: never) => encodeCbor(lifecycle.encodeImportParameters(value)), decode: inside(lifecycle.decodeImportParameters) },
  noParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeNothing) },
  accountNames: { encode: (value: never) => encodeCbor(lifecycle.encodeAccountNames(value)), decode: inside(lifecycle.decodeAccountNames) },
  renameParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeRenameParameters) },
  changePinParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeChangePinParameters) },
  recoverParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeRecoverParameters) },
  exportParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeExportParameters) },
  factorParameters: { encode: (value: never) => encodeCbor(value), decode: inside(lifecycle.decodeFactorParameters) },
  signParameters: { encode: (value: never) => encodeCbor(operations.encodeSignParameters(value)), decode: inside(operations.decodeSignParameters) },
  signResult: { encode: (value: never) => encodeCbor(operations.encodeSignResult(value)), decode: inside(operations.decodeSignResult) },
  view: { encode: (value: never) => encodeCbor(lifecycle.encodeView(value)), decode: inside(lifecycle.decodeView) },
  withRecovery: { encode: (value: never) => encodeCbor(lifecycle.encodeWithRecovery(value)), decode: inside(lifecycle.decodeWithRecovery) },
  accounts: { encode: (value: never) => encodeCbor(lifecycle.encodeAccounts(value)), decode: inside(lifecycle.decodeAccounts) },
  exportResult: { encode: (value: never) => encodeCbor(lifecycle.encodeExportResult(value)), decode: inside(lifecycle.decodeExportResult) },
  historyKey: { encode: (value: never) => encodeCbor(lifecycle.encodeHistoryKey(value)), decode: inside(lifecycle.decodeHistoryKey) },
  factorSecret: { encode: (value: never) => encodeCbor(lifecycle.encodeFactorSecret(value)), decode: inside(lifecycle.decodeFactorSecret) },
  channelBinding: { encode: service.encodeChannelBinding, decode: service.decodeChannelBinding },
  attestRequest: { encode: service.encodeAttestRequest, decode: service.decodeAttestRequest },
  channelOffer: { encode: service.encodeChannelOffer, decode: service.decodeChannelOffer },
  channels: { encode: service.encodeChannels, decode: service.decodeChannels },
  serviceRequest: { encode: service.encodeServiceRequest, decode: service.decodeServiceRequest },
  serviceAnswer: { encode: service.encodeServiceAnswer, decode: service.decodeServiceAnswer },
  state: { encode: encodeState, decode: decodeState },
  cbor: { encode: (value: never) => encodeCbor(value), decode: decodeCbor },
}

const record = loadVectors<RecordVector>('record')[0] as RecordVector
const vectors: Vector[] = [
  ...['cbor', 'request', 'answer', 'padding', 'operations', 'service'].flatMap((name) => loadVectors<Vector>(name)),
  { id: 'state', format: 'state', value: record.stateValue, encoded: record.statePlaintext },
]
const named = (list: readonly Vector[]) => list.map((vector) => [`${vector.format} ${vector.id}`, vector] as const)
const readable = vectors.filter(({ format, refused }) => refused !== true && CODECS[format]?.decode !== undefined)

test('every format has a vector', () => {
  expect(Object.keys(CODECS).filter((format) => !vectors.some((vector) => vector.format === format))).toEqual([])
})

test.each(named(vectors.filter(({ refused }) => refused !== true)))('%s is written as these bytes', (_name, { format, value, encoded }) => {
  expect(toHex((CODECS[format] as Codec).encode(revive(value) as never))).toBe(encoded)
})

test.each(named(readable))('%s is read from these bytes', (_name, { format, value, encoded }) => {
  expect(CODECS[format]?.decode?.(hex(encoded))).toEqual(revive(value))
})

test.each(named(vectors.filter(({ refused }) => refused === true)))('%s is refused', (_name, { encoded }) => {
  expect(decodeCbor(hex(encoded))).toBeUndefined()
})

test.each(named(readable))('%s is refused when cut, followed by a byte, or of another shape', (_name, { format, value, encoded }) => {
  const { decode, encode } = CODECS[format] as Required<Codec>
  const bytes = hex(encoded)
  for (let length = 0; length < bytes.length; length++) expect(decode(bytes.slice(0, length))).toBeUndefined()
  expect(decode(concat(bytes, Uint8Array.of(0)))).toBeUndefined()
  // A changed byte may say something else, never the same: what is read is what would be written.
  for (const other of altered(bytes)) {
    const read = decode(other)
    if (read !== undefined && !equal(encode(read as never), other)) expect(read).toBeUndefined()
  }
  if (format === 'cbor') return
  const outer = decodeCbor(bytes)
  if (typeof outer !== 'object' || outer === null || Array.isArray(outer)) return
  for (const shape of misshapen(outer as Readonly<Record<string, CborValue>>)) {
    const read = decode(encodeCbor(shape))
    // What an outcome leaves null is not looked at: it changes nothing.
    if (format === 'serviceAnswer' && read !== undefined) expect(read).toEqual(revive(value))
    else expect(read).toBeUndefined()
  }
})

/** No field may be of another kind, none missing, and none added; at any depth, but for a body's parameters, which have their own turn, and a payload's context, which is the chain's. */
function* misshapen(fields: Readonly<Record<string, CborValue>>): Generator<CborValue> {
  yield { ...fields, more: 1 }
  for (const [name, field] of Object.entries(fields)) {
    yield Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name))
    yield { ...fields, [name]: typeof field === 'boolean' ? 1 : false }
    if (typeof field !== 'object' || field === null || field instanceof Uint8Array || ['parameters', 'result', 'context'].includes(name)) continue
    if (Array.isArray(field)) {
      const items = field as readonly CborValue[]
      yield { ...fields, [name]: [...items, false] }
      const [first, ...rest] = items
      if (typeof first !== 'object' || first === null || first instanceof Uint8Array || Array.isArray(first)) continue
      for (const shape of misshapen(first as Readonly<Record<string, CborValue>>)) yield { ...fields, [name]: [shape, ...rest] }
      continue
    }
    for (const shape of misshapen(field as Readonly<Record<string, CborValue>>)) yield { ...fields, [name]: shape }
  }
}

describe('docs/protocol.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'protocol.md'), 'utf8')

  test('has each code as it is', () => {
    const rows = [...text.matchAll(/^\| `([a-z_]+)` \| (http|sealed|client) \| ([0-9]{3}|–) \| (.*) \|$/gm)].map(([, code, where, status, title]) => [code, where, status, title])
    expect(rows).toEqual(Object.entries(ERRORS).map(([code, { where, status, title }]) => [code, where, where === 'client' ? '–' : String(status), title]))
  })

  test('has each label', () => {
    expect(Object.values(LABELS).filter((label) => !text.includes(`\`${label}\``))).toEqual([])
  })

  test('quotes the vectors', () => {
    const all = readdirSync(OWN_VECTORS).map((name) => readFileSync(join(OWN_VECTORS, name), 'utf8')).join('\n')
    const examples = [...text.matchAll(/^```hex\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => pieces(block as string))
    expect(examples.length).toBeGreaterThan(30)
    expect(examples.filter((example) => !all.includes(example))).toEqual([])
  })
})

/** A line that is a comment parts examples. Between two, lines in groups are one example together, others one each. */
function pieces(block: string): string[] {
  return block.split(/^#.*$/m).flatMap((part) => {
    const lines = part.split('\n').map((line) => line.replace(/#.*$/, '').trim()).filter(Boolean)
    return lines.some((line) => line.includes(' ')) ? [lines.join('').replaceAll(' ', '')] : lines
  })
}
