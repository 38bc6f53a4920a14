/** The wire: what app, relay and enclave say to each other, and what a record holds. */
import { decodeAnswer, decodeGuesses, decodeSealedAnswer, encodeAnswer, encodeGuesses, encodeSealedAnswer, type AnswerOutcome } from '../../../lib/protocol/answer.ts'
import { makeBackup, openBackup, readBackup, type BackupFile } from '../../../lib/protocol/backup.ts'
import { concat, fromBase64url, fromHex, toBase64url, toHex, utf8 } from '../../../lib/protocol/bytes.ts'
import { decodeCbor, encodeCbor, type CborValue } from '../../../lib/protocol/cbor.ts'
import { generateChannelKey, openRequest, parseChannelKey, startRequest } from '../../../lib/protocol/channel.ts'
import { decodeHeader, encodeHeader, OPERATIONS, type Operation } from '../../../lib/protocol/header.ts'
import * as lifecycle from '../../../lib/protocol/lifecycle.ts'
import * as operations from '../../../lib/protocol/operations.ts'
import { decodeEnclaveStatus, decodeHealth, decodeRotate, parseJson } from '../../../lib/protocol/operator.ts'
import { pad, unpad } from '../../../lib/protocol/padding.ts'
import { verifyProof } from '../../../lib/protocol/proof.ts'
import { encodeReceipt, encodeSign1, openReceipt, openStoredReceipt, receiptSigned, storedReceiptBinding, type Receipt } from '../../../lib/protocol/receipt.ts'
import { decodeRecord, encodeRecord } from '../../../lib/protocol/record.ts'
import { formatRecoveryCode, parseRecoveryCode } from '../../../lib/protocol/recovery-code.ts'
import { openWithCode, recoveryPublicKey, sealToCode } from '../../../lib/protocol/recovery-seal.ts'
import { decodeBody, decodeSealedBody, encodeBody, encodeSealedBody, type RequestBody } from '../../../lib/protocol/request.ts'
import * as service from '../../../lib/protocol/service.ts'
import { joinSecret, splitSecret } from '../../../lib/protocol/wallet-secret.ts'
import { encodePendingExport, encodeWalletView, readPendingExport, readWalletView, type WalletView } from '../../../lib/protocol/wallet-view.ts'
import { verifyHistory } from '../../../client/history.ts'
import { read } from '../../../client/wallet.ts'
import { bytesTarget, codes, malformed, row, textTarget, valueTarget, type Row } from './target.ts'

export const WALLET = '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11'
export const b = (length: number, fill = 1): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill)
const guesses = { guessesLeft: 4, lockedUntilMs: 0, wrongTotal: 1 }
export const ACCOUNT = { namespace: 'eip155', path: "m/44'/60'/0'/0/0", address: '0x3535353535353535353535353535353535353535', publicKey: b(33), chainCode: null }
export const PERMISSIONS = { exportable: true, rawHash: false, withoutChainId: false, anySighash: false }
const pending = { what: 'privateKey', path: ACCOUNT.path, readyAtMs: 7 } as const
export const VIEW: WalletView = {
  ...guesses, wallet: WALLET, version: 3, createdAtMs: 1, label: 'Spending', kind: 'mnemonic', accounts: [ACCOUNT, { ...ACCOUNT, chainCode: b(32) }], permissions: PERMISSIONS,
  fingerprint: b(32), recoveryMadeAtMs: 6, factor: { confirmed: true, operations: ['sign', 'export'] }, export: pending, goneAtMs: 12, receipts: { key: b(64), count: 2, head: b(32) },
}
const plainView: WalletView = { ...VIEW, factor: null, export: null, goneAtMs: null, accounts: [] }
const body: RequestBody = {
  op: 'sign', wallet: WALLET, request: b(16), issuedAtMs: 5, idempotency: b(16, 2), token: b(32), proof: { x: b(32), y: b(32), random: b(32), signature: b(64) }, pin: b(4),
  otp: b(6), parameters: { a: 1, list: [null, true, -5, 'text', b(30)] },
}
export const RECORD = {
  format: 1, owner: 'user#demo#ab#alice', wallet: WALLET, version: 3, dataKey: b(100), state: b(28), seed: b(28), spent: 2, lockedUntilMs: 0, wrongMs: [4, 5], createdAtMs: 1, expiresAtSec: 0,
}
const receipt: Receipt = {
  wallet: WALLET, sequence: 1, atMs: 5, op: 'sign', outcome: 'done', version: 2, failed: 1, signatures: [{ hash: b(32), summary: b(32, 2) }],
  measurements: { pcr0: b(48), pcr1: b(48), pcr2: b(48), pcr16: b(48) }, previous: new Uint8Array(32),
}
const payloads = [{ chain: 'eip155:1', path: ACCOUNT.path, kind: 'transaction', data: b(40), context: { tables: [] }, summary: b(32) }, { chain: 'eip155:1', path: ACCOUNT.path, kind: 'message', data: b(0), context: null, summary: null }] as const
const header = encodeHeader({ op: 'sign', wallet: WALLET, key: b(16) })
const newWallet = { label: 'x', permissions: PERMISSIONS, recovery: true }

/** One of lib/protocol that reads decoded CBOR, and the writer that is its reverse. */
function fields<T>(file: string, name: string, decode: (value: CborValue) => T | undefined, encode: (value: T) => CborValue, seeds: readonly T[], throws?: (error: unknown) => boolean): Row {
  return row(`lib/protocol/${file}.ts ${name}`, () =>
    valueTarget<T>('cbor', {
      seeds: seeds.map(encode),
      decode: (value) => decode(value as CborValue),
      // By their bytes: the order of keys in memory is no part of the value.
      encode: (value, input) => (toHex(encodeCbor(encode(value))) === toHex(encodeCbor(input as CborValue)) ? input : 'another encoding'),
      ...(throws === undefined ? {} : { throws }),
    }),
  )
}

function bytes<T>(name: string, decode: (encoded: Uint8Array) => T | undefined, encode: (value: T) => Uint8Array, seeds: readonly T[], form: 'raw' | 'cbor' = 'cbor'): Row {
  return row(`lib/protocol/${name}`, () => bytesTarget<T>(form, { seeds: seeds.map(encode), decode, encode }))
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** What `hpke` throws: the caller makes a code of it. */
const isDeserializeError = (error: unknown): boolean => error instanceof Error && error.name === 'DeserializeError'

/** A signed receipt, and the key: x ‖ y. */
async function signedReceipt(): Promise<{ readonly sign1: Uint8Array; readonly key: Uint8Array }> {
  const pair = await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const payload = encodeReceipt(receipt)
  const signature = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, receiptSigned(payload)))
  return { sign1: encodeSign1(payload, signature), key: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)).slice(1) }
}

export const protocolRows: readonly Row[] = [
  bytes<CborValue>('cbor.ts decodeCbor', decodeCbor, encodeCbor, [0, -1, 2 ** 53 - 1, 'text', b(30), [1, [2, { a: null, bb: true }]], { a: b(3), list: [false, {}] }, { ...body, proof: null }]),
  bytes('header.ts decodeHeader', decodeHeader, encodeHeader, OPERATIONS.map((op) => ({ op, wallet: WALLET, key: b(16) }))),
  bytes('request.ts decodeBody', decodeBody, encodeBody, [body, { ...body, proof: null, pin: null, otp: null, parameters: {} }]),
  bytes('request.ts decodeSealedBody', decodeSealedBody, encodeSealedBody, [body, { ...body, pin: b(64) }, { ...body, pin: null, otp: null, parameters: { data: b(3000) } }], 'raw'),
  row('lib/protocol/padding.ts unpad', () => bytesTarget('raw', { seeds: [0, 1, 2047, 2048].map((length) => pad(b(length))), decode: unpad })),
  // Not back to the same bytes: a client takes more padding than it would make.
  row('lib/protocol/answer.ts decodeSealedAnswer', () => bytesTarget('raw', {
    seeds: [encodeSealedAnswer('view', b(16), { ok: true, result: { a: 1 } }), encodeSealedAnswer('sign', b(16), { ok: false, code: 'pin_wrong', guesses })], decode: decodeSealedAnswer,
  })),
  bytes<{ op: Operation; request: Uint8Array; outcome: AnswerOutcome }>('answer.ts decodeAnswer', decodeAnswer, ({ op, request, outcome }) => encodeAnswer(op, request, outcome), [
    { op: 'view', request: b(16), outcome: { ok: true, result: { a: 1 } } },
    { op: 'sign', request: b(16), outcome: { ok: false, code: 'pin_wrong', guesses } },
    { op: 'sign', request: b(16), outcome: { ok: false, code: 'stale', guesses: null } },
  ]),
  fields('answer', 'decodeGuesses', decodeGuesses, encodeGuesses, [guesses], malformed),
  fields('record', 'decodeRecord', decodeRecord, encodeRecord, [RECORD, { ...RECORD, wrongMs: [] }]),
  bytes('service.ts decodeServiceRequest', service.decodeServiceRequest, service.encodeServiceRequest, [
    { token: b(10, 65), header, enc: b(32), ciphertext: b(16), record: RECORD }, { token: b(10), header, enc: b(32), ciphertext: b(16), record: null },
  ]),
  bytes<service.ServiceAnswer>('service.ts decodeServiceAnswer', service.decodeServiceAnswer, service.encodeServiceAnswer, [
    { outcome: 'done', answer: b(48) }, { outcome: 'refused', answer: b(60) }, { outcome: 'busy', code: 'busy', retryAfterSec: 2 }, { outcome: 'not_tried', code: 'stale', retryAfterSec: null },
  ]),
  bytes('service.ts decodeChannelOffer', service.decodeChannelOffer, service.encodeChannelOffer, [{ document: b(100), key: b(16) }]),
  bytes('service.ts decodeAttestRequest', service.decodeAttestRequest, service.encodeAttestRequest, [b(16), b(64)]),
  bytes('service.ts decodeChannels', service.decodeChannels, service.encodeChannels, [[], [b(16), b(16, 2)]]),
  bytes('service.ts decodeChannelBinding', service.decodeChannelBinding, service.encodeChannelBinding, [{ key: b(16), notAfterMs: 5 }]),
  bytes('wallet-secret.ts splitSecret', splitSecret, joinSecret, [
    { kind: 'mnemonic', entropy: b(16), passphrase: b(5), seed: b(64) }, { kind: 'mnemonic', entropy: b(32), passphrase: b(0), seed: b(64) }, { kind: 'secp256k1', key: b(32) }, { kind: 'ed25519', key: b(32) },
  ], 'raw'),

  fields('lifecycle', 'decodeCreateParameters', lifecycle.decodeCreateParameters, lifecycle.encodeCreateParameters, [{ words: 12, ...newWallet }, { words: 24, ...newWallet, label: '' }]),
  fields<lifecycle.ImportParameters>('lifecycle', 'decodeImportParameters', lifecycle.decodeImportParameters, lifecycle.encodeImportParameters, [
    { secret: { kind: 'mnemonic', mnemonic: b(90, 97), passphrase: b(0) }, ...newWallet }, { secret: { kind: 'ed25519', key: b(32) }, ...newWallet },
  ]),
  fields('lifecycle', 'decodeNothing', lifecycle.decodeNothing, () => ({}), [{}]),
  fields('lifecycle', 'decodeAccountNames', lifecycle.decodeAccountNames, lifecycle.encodeAccountNames, [[{ namespace: 'eip155', path: ACCOUNT.path }, { namespace: 'solana', path: "m/44'/501'/0'/0'" }]]),
  fields('lifecycle', 'decodeRenameParameters', lifecycle.decodeRenameParameters, ({ label }) => ({ label }), [{ label: 'Ünïcode 漢' }]),
  fields('lifecycle', 'decodeChangePinParameters', lifecycle.decodeChangePinParameters, ({ pin }) => ({ pin }), [{ pin: b(6) }]),
  fields('lifecycle', 'decodeRecoverParameters', lifecycle.decodeRecoverParameters, ({ code, removeFactor }) => ({ code, removeFactor }), [{ code: b(16), removeFactor: true }]),
  fields<lifecycle.ExportParameters>('lifecycle', 'decodeExportParameters', lifecycle.decodeExportParameters, ({ what, path }) => ({ what, path }), [{ what: 'privateKey', path: ACCOUNT.path }, { what: 'backup', path: null }]),
  fields<{ readonly operations: readonly Operation[] }>('lifecycle', 'decodeFactorParameters', lifecycle.decodeFactorParameters, (value) => ({ operations: [...value.operations] }), [{ operations: ['sign', 'export'] }]),
  fields('lifecycle', 'decodeView', lifecycle.decodeView, lifecycle.encodeView, [VIEW, plainView]),
  fields('lifecycle', 'decodeWithRecovery', lifecycle.decodeWithRecovery, lifecycle.encodeWithRecovery, [{ view: plainView, recovery: b(16) }, { view: VIEW, recovery: null }]),
  fields('lifecycle', 'decodeAccounts', lifecycle.decodeAccounts, lifecycle.encodeAccounts, [[ACCOUNT], []]),
  fields<lifecycle.ExportResult>('lifecycle', 'decodeExportResult', lifecycle.decodeExportResult, lifecycle.encodeExportResult, [
    { kind: 'pending', export: pending, view: plainView }, { kind: 'mnemonic', mnemonic: b(80, 97), passphrase: b(0), view: plainView },
    { kind: 'privateKey', account: ACCOUNT, key: b(32), view: plainView }, { kind: 'backup', file: b(30), view: plainView },
  ]),
  fields('lifecycle', 'decodeHistoryKey', lifecycle.decodeHistoryKey, lifecycle.encodeHistoryKey, [{ view: plainView, key: b(32), tail: [b(20), b(30)] }]),
  fields('lifecycle', 'decodeFactorSecret', lifecycle.decodeFactorSecret, lifecycle.encodeFactorSecret, [{ view: plainView, secret: b(20) }]),
  fields<operations.SignParameters>('operations', 'decodeSignParameters', operations.decodeSignParameters, operations.encodeSignParameters, [{ payloads }]),
  fields<operations.SignResult>('operations', 'decodeSignResult', operations.decodeSignResult, operations.encodeSignResult, [{ ...guesses, fingerprint: b(32), signatures: [{ signed: b(100), hash: b(32), address: ACCOUNT.address }] }]),
  fields<operations.Account>('operations', 'decodeAccount', operations.decodeAccount, operations.encodeAccount, [ACCOUNT], malformed),
  fields('operations', 'decodePermissions', operations.decodePermissions, operations.encodePermissions, [PERMISSIONS], malformed),
  fields('wallet-view', 'readWalletView', readWalletView, encodeWalletView, [VIEW, plainView], malformed),
  fields('wallet-view', 'readPendingExport', readPendingExport, encodePendingExport, [pending, { what: 'mnemonic', path: null, readyAtMs: 0 }], malformed),

  row('lib/protocol/bytes.ts fromHex', () => textTarget({ seeds: ['', '00ff', 'abcdef0123456789'], decode: fromHex, encode: (bytes, input) => (toHex(bytes) === input.toLowerCase() ? input : 'another') })),
  row('lib/protocol/bytes.ts fromBase64url', () => textTarget({ seeds: ['', 'AA', 'AQI', 'AQID', toBase64url(b(99, 251))], decode: fromBase64url, encode: toBase64url })),
  row('lib/protocol/recovery-code.ts parseRecoveryCode', async () =>
    textTarget({
      seeds: [await formatRecoveryCode(b(16, 0xa7)), (await formatRecoveryCode(b(16, 3))).toLowerCase().replaceAll('-', ' ')],
      decode: parseRecoveryCode,
      // One code has many spellings; written as we write it, it is read as the same.
      encode: async (code, input) => (toHex((await parseRecoveryCode(await formatRecoveryCode(code))) ?? b(0)) === toHex(code) ? input : 'another'),
    }),
  ),
  row('lib/protocol/operator.ts parseJson', () => bytesTarget('json', { seeds: [utf8('{"a":[1,null,"x"]}')], decode: parseJson })),
  row('lib/protocol/operator.ts decodeHealth', () => bytesTarget('json', { seeds: [utf8('{"phase":"serving"}'), utf8('{"phase":"halted","reason":"x"}')], decode: decodeHealth })),
  row('lib/protocol/operator.ts decodeEnclaveStatus', () =>
    valueTarget('json', {
      seeds: [
        { version: '0.1.0', phase: 'halted', reason: 'self-test:hkdf', work: null },
        { version: '1', phase: 'serving', reason: null, work: { channelKeys: [{ id: 'ab'.repeat(16), ageSec: 1, opensForSec: 2 }], open: 1, running: 0, waiting: 0, clock: { driftMs: 3, readAgoSec: 4 } } },
      ],
      decode: decodeEnclaveStatus,
      encode: (status) => status,
    })),
  row('lib/protocol/operator.ts decodeRotate', () => valueTarget('json', { seeds: [{ now: true }, { now: false }], decode: decodeRotate, encode: (rotate) => rotate })),
  row(['lib/protocol/backup.ts readBackup', 'lib/protocol/backup.ts openBackup'], async () => {
    const code = b(16, 9)
    const content = { wallet: WALLET, fingerprint: b(32), createdAtMs: 5, accounts: [{ namespace: 'eip155', path: ACCOUNT.path, address: ACCOUNT.address }] }
    const file = await makeBackup(content, joinSecret({ kind: 'ed25519', key: b(32) }), await recoveryPublicKey(code))
    return bytesTarget<BackupFile>('json', {
      seeds: [file],
      async decode(bytes) {
        const read = readBackup(bytes)
        if (read !== undefined) await openBackup(read, code)
        return read
      },
      // People may reformat it: it is the content that has one encoding, and `openBackup` binds all of it.
      encode: ({ wallet, fingerprint, createdAtMs, accounts, sealed }, input) => {
        const again = { format: 'cloister-backup', version: 1, wallet, fingerprint: toBase64url(fingerprint), createdAt: createdAtMs, accounts, sealed: toBase64url(sealed) }
        const sorted = (value: object): string => JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
        const given = JSON.parse(new TextDecoder().decode(input)) as typeof again
        const accountsOf = ({ accounts: list }: typeof again): string => list.map(sorted).join()
        return sorted({ ...again, accounts: accountsOf(again) }) === sorted({ ...given, accounts: accountsOf(given) }) ? input : b(0)
      },
    })
  }),
  row('lib/protocol/recovery-seal.ts openWithCode', async () =>
    bytesTarget('raw', { seeds: [await sealToCode(await recoveryPublicKey(b(16)), b(33), 'backup', b(4))], decode: (sealed) => openWithCode(b(16), sealed, 'backup', b(4)) })),
  row('lib/protocol/receipt.ts openReceipt', async () => {
    const { sign1, key } = await signedReceipt()
    return bytesTarget('cbor', { seeds: [sign1], decode: (bytes) => openReceipt(bytes, key), encode: (_receipt, input) => encodeCbor(decodeCbor(input) as CborValue) })
  }),
  row('lib/protocol/receipt.ts openStoredReceipt', async () => {
    const aes = await crypto.subtle.importKey('raw', b(32), 'AES-GCM', false, ['encrypt'])
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: b(12), additionalData: storedReceiptBinding(WALLET, 1) }, aes, b(50))
    return bytesTarget('raw', { seeds: [Uint8Array.from([...b(12), ...new Uint8Array(sealed)])], decode: (bytes) => openStoredReceipt(b(32), WALLET, 1, bytes) })
  }),
  row('client/history.ts verifyHistory', async () => {
    const { sign1, key } = await signedReceipt()
    const head = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(sign1)))
    return bytesTarget('cbor', { seeds: [sign1], decode: (bytes) => verifyHistory([bytes], WALLET, { key, count: 1, head }), throws: codes('history_invalid') })
  }),
  row('client/wallet.ts read', () => valueTarget('cbor', { seeds: [lifecycle.encodeView(VIEW)], decode: (value) => read(value as CborValue, lifecycle.decodeView), throws: codes('answer_invalid') })),
  row('lib/protocol/channel.ts parseChannelKey', () => bytesTarget('raw', { seeds: [b(32, 9)], decode: (bytes) => parseChannelKey(bytes), throws: isDeserializeError })),
  row('lib/protocol/channel.ts openRequest', async () => {
    const keyPair = await generateChannelKey()
    const request = await startRequest(keyPair.publicKey)
    const { ciphertext } = await request.seal(header, encodeSealedBody(body))
    return bytesTarget('raw', { seeds: [concat(request.enc, ciphertext)], decode: (bytes) => openRequest(keyPair, header, bytes.subarray(0, 32), bytes.subarray(32)) })
  }),
  row('lib/protocol/proof.ts verifyProof', () =>
    // Of any bytes at all, the answer is a boolean.
    bytesTarget('raw', { seeds: [b(192)], decode: (bytes) => verifyProof({ x: bytes.slice(0, 32), y: bytes.slice(32, 64), random: b(32), signature: bytes.slice(64, 128) }, header, b(32), body) })),
]
