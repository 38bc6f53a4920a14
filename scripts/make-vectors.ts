/**
 * Program: `node scripts/make-vectors.ts`. Writes test/vectors/own, the test vectors of our own formats, and the table of codes in
 * docs/protocol.md. All that is random elsewhere is fixed here, so that a second run changes nothing.
 *
 * Inside vectors, bytes are `{"bytes": hex}` where text could stand as well, and plain hex where only bytes can.
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signTask } from '../enclave-sim/core/keys.ts'
import { seedKey, stateKey } from '../enclave-sim/core/sealing.ts'
import { encodeState, type WalletContent } from '../enclave-sim/core/state.ts'
import { contentHash, hashPin, openRecord, wrap } from '../enclave-sim/core/unlock.ts'
import { argon2id } from '../enclave-sim/platform/argon2.ts'
import { chainOf } from '../lib/chains/registry.ts'
import { answerBinding, encodeAnswer, encodeSealedAnswer } from '../lib/protocol/answer.ts'
import { toBase64url, toHex, utf8 } from '../lib/protocol/bytes.ts'
import { encodeCbor, type CborValue } from '../lib/protocol/cbor.ts'
import { channelKeyId, openRequest, parseChannelKey, startRequest } from '../lib/protocol/channel.ts'
import { ERRORS } from '../lib/protocol/errors.ts'
import { encodeHeader } from '../lib/protocol/header.ts'
import { framed, LABELS } from '../lib/protocol/labels.ts'
import { encodeCreateParameters } from '../lib/protocol/lifecycle.ts'
import { encodeSignParameters, encodeSignResult } from '../lib/protocol/operations.ts'
import { jwkThumbprint, signProof, tokenNonce, verifyProof } from '../lib/protocol/proof.ts'
import { encodeBody, encodeSealedBody, encodeUnprovenBody, type Proof } from '../lib/protocol/request.ts'
import { encodeAttestRequest, encodeChannelBinding, encodeChannelOffer, encodeChannels, encodeServiceAnswer, encodeServiceRequest } from '../lib/protocol/service.ts'
import { issuerHash, ownerOf } from '../lib/tokens/owner.ts'
import { codec, count, kept, plain, ROOT, write } from './own-vectors/files.ts'
import { fixed, importP256, importX25519, withKeyPair, withNodeRandom, withRandom } from './own-vectors/fixed.ts'
import { answerValues, requestValues } from './own-vectors/hpke.ts'
import { guesses, operationVectors, payload } from './own-vectors/operations.ts'
import { receiptVectors } from './own-vectors/receipts.ts'
import { recoveryVectors } from './own-vectors/recovery.ts'
import {
  account, accounts, createParameters, entropy, fingerprint, IDEMPOTENCY, idempotencyKey, joined, NOW_MS, PIN, recovery, recoveryKey, REQUEST, secret, seed, sentence, WALLET,
} from './own-vectors/wallet.ts'

const ISSUER = 'https://login.example'
const TOKEN = utf8('header.payload.signature')
const KMS_KEY = 'arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444'

const plan = chainOf(payload.chain).read(payload).plan({ account, accounts, permissions: createParameters.permissions })
const signed = { ...plan.assemble(plan.tasks.map((task) => signTask(secret, task))), address: account.address }
const signParameters = { payloads: [payload] }
const signResult = { signatures: [signed], fingerprint, ...guesses }

const { first: receipts } = await receiptVectors(signed.hash)
const backup = await recoveryVectors()
const receiptsHead = { key: receipts.publicKey, count: receipts.count, head: receipts.head }
await write(
  'operations',
  'Parameters and results of each operation (docs/protocol.md, section 8)',
  operationVectors({ signed, receipts: receiptsHead, receipt: receipts.tail[0] as Uint8Array, storageKey: receipts.storageKey, backup }),
)

// The channel key, and the document's user_data.
const channelPrivate = fixed('channel key')
const channel = await importX25519(channelPrivate)
const channelPublic = channel.raw
const key = await channelKeyId(channelPublic)
const binding = { key, notAfterMs: NOW_MS + 4_200_000 }

const header = { op: 'sign', wallet: WALLET, key } as const
const headerBytes = encodeHeader(header)
const unproven = {
  op: 'sign', wallet: WALLET, request: REQUEST, issuedAtMs: NOW_MS, idempotency: IDEMPOTENCY,
  token: new Uint8Array(createHash('sha256').update(TOKEN).digest()), pin: PIN, otp: null, parameters: encodeSignParameters(signParameters),
} as const

// The client key and what it signs. ECDSA by WebCrypto is randomised: the signature of the last run is kept while it verifies.
const ephemeral = await importX25519(fixed('ephemeral key'))
const client = await importP256(fixed('client key'))
const random = fixed('nonce random')
const proof = await keptProof()
const proofInput = framed(LABELS.proof, headerBytes, ephemeral.raw, encodeUnprovenBody(unproven))

await write('proof', 'The client key: thumbprint, token nonce, proof (section 5)', [
  {
    id: 'client-key', privateKey: toHex(client.d), x: toHex(client.x), y: toHex(client.y), random: toHex(random),
    thumbprint: toHex(await jwkThumbprint(client)), nonceInput: toHex(framed(LABELS.tokenNonce, await jwkThumbprint(client), random)),
    nonce: await tokenNonce(client, random), header: toHex(headerBytes), enc: toHex(ephemeral.raw), unprovenBody: toHex(encodeUnprovenBody(unproven)),
    signedBytes: toHex(proofInput), signature: toHex(proof.signature),
  },
])

const body = encodeSealedBody({ ...unproven, proof })
await write('request', 'Header, body without proof, body (section 6)', [
  codec('header-sign', 'header', header, headerBytes),
  codec('header-create', 'header', { ...header, op: 'create' }, encodeHeader({ ...header, op: 'create' })),
  codec('unproven-body', 'unprovenBody', unproven, encodeUnprovenBody(unproven)),
  codec('body', 'body', { ...unproven, proof }, encodeBody({ ...unproven, proof })),
  codec('body-view-no-proof', 'body', { ...unproven, op: 'view', pin: null, parameters: {}, proof: null }, encodeBody({ ...unproven, op: 'view', pin: null, parameters: {}, proof: null })),
  codec('body-otp', 'body', { ...unproven, otp: utf8('287082'), proof: null }, encodeBody({ ...unproven, otp: utf8('287082'), proof: null })),
])

const refusal = { ok: false, code: 'pin_wrong', guesses: { guessesLeft: 4, lockedUntilMs: 0, wrongTotal: 2 } } as const
const outcome = { ok: true, result: encodeSignResult(signResult) } as const
const answer = encodeSealedAnswer('sign', REQUEST, outcome)
await write('answer', 'Answers before they are sealed, and their AAD (section 7)', [
  codec('answer-done', 'answer', { op: 'sign', request: REQUEST, outcome }, encodeAnswer('sign', REQUEST, outcome)),
  codec('answer-refused-guesses', 'answer', { op: 'sign', request: REQUEST, outcome: refusal }, encodeAnswer('sign', REQUEST, refusal)),
  codec('answer-refused', 'answer', { op: 'sign', request: REQUEST, outcome: { ok: false, code: 'tx_malformed', guesses: null } }, encodeAnswer('sign', REQUEST, { ok: false, code: 'tx_malformed', guesses: null })),
  codec('answer-binding', 'answerBinding', { op: 'sign', request: REQUEST }, answerBinding('sign', REQUEST)),
])

// A body at the edge of 2,048 bytes: with this PIN it would fit, with one of 64 bytes it would not.
const atEdge = (pin: Uint8Array | null, otp: Uint8Array | null, more = 0) => {
  const base = { ...unproven, op: 'sign', proof, pin, otp } as const
  const padding = 2048 - encodeBody({ ...base, pin: count(0, 64), otp: count(0, 6), parameters: { data: new Uint8Array(1024) } }).length + 1024 - 1 + more
  return { ...base, parameters: { data: new Uint8Array(padding).fill(0x80) } }
}
const leaving = { ok: true, result: { kind: 'mnemonic', mnemonic: sentence, passphrase: new Uint8Array(), view: {} } } as const
const sealedBody = (id: string, value: Parameters<typeof encodeBody>[0]) => codec(id, 'sealedBody', value, encodeSealedBody(value))
await write('padding', 'Bodies and answers as they are sealed: padded (sections 6 and 7)', [
  sealedBody('body', { ...unproven, proof }),
  sealedBody('body-below-edge', atEdge(count(0x30, 4), null)),
  sealedBody('body-over-edge', atEdge(count(0x30, 4), null, 1)),
  codec('answer-done', 'sealedAnswer', { op: 'sign', request: REQUEST, outcome }, answer),
  codec('answer-refused', 'sealedAnswer', { op: 'sign', request: REQUEST, outcome: refusal }, encodeSealedAnswer('sign', REQUEST, refusal)),
  codec('answer-mnemonic', 'sealedAnswer', { op: 'export', request: REQUEST, outcome: leaving }, encodeSealedAnswer('export', REQUEST, leaving)),
])

await write('channel', 'Channel key id, HPKE request and sealed answer (sections 3, 6 and 7)', [await channelVector()])

await write('service', 'Between relay and enclave (section 11), and the user_data of an attestation (section 3)', [
  codec('channel-binding', 'channelBinding', binding, encodeChannelBinding(binding)),
  codec('attest-request', 'attestRequest', count(0x40, 16), encodeAttestRequest(count(0x40, 16))),
  codec('channel-offer', 'channelOffer', { document: count(0x80, 4), key }, encodeChannelOffer({ document: count(0x80, 4), key })),
  codec('channels', 'channels', [key], encodeChannels([key])),
  codec('answer-done', 'serviceAnswer', { outcome: 'done', answer: count(0, 48) }, encodeServiceAnswer({ outcome: 'done', answer: count(0, 48) })),
  codec('answer-not-tried', 'serviceAnswer', { outcome: 'not_tried', code: 'stale', retryAfterSec: null }, encodeServiceAnswer({ outcome: 'not_tried', code: 'stale', retryAfterSec: null })),
  codec('answer-busy', 'serviceAnswer', { outcome: 'busy', code: 'busy', retryAfterSec: 1 }, encodeServiceAnswer({ outcome: 'busy', code: 'busy', retryAfterSec: 1 })),
  ...(await recordVectors()),
])

await write('cbor', 'Deterministic CBOR (section 1): what is read, and what is refused', [
  ...[0, 23, 24, 255, 256, 65_536, NOW_MS, -1, -25, true, false, null, 'a', count(1, 3), [1, [2]], { a: 1 }, { b: 1, aa: 2, c: 3 }].map((value, i) =>
    codec(`valid-${i + 1}`, 'cbor', value, encodeCbor(value as CborValue)),
  ),
  ...Object.entries({
    'trailing-byte': '0000', 'long-integer': '1800', 'long-length': '5801aa', 'indefinite-array': '9f01ff', 'indefinite-string': '5f4101ff', 'unsorted-keys': 'a2616201616101',
    'long-key-first': 'a262616101616202', 'duplicate-key': 'a2616101616101', 'float': 'f93c00', 'tag': 'c000', 'undefined': 'f7',
    'truncated': '42aa', 'over-2-53': '1b0020000000000001', 'invalid-utf8': '61ff', 'empty': '',
  }).map(([id, encoded]) => ({ id, format: 'cbor', refused: true, encoded })),
])

await writeCodes()

async function channelVector(): Promise<object> {
  const answerNonce = fixed('answer nonce')
  const recipient = await parseChannelKey(channelPublic)
  const request = await withKeyPair(ephemeral.pair, () => startRequest(recipient))
  const { enc } = request
  const { ciphertext } = await request.seal(headerBytes, body)
  const opened = await openRequest(channel.pair, headerBytes, enc, ciphertext)
  if (opened === undefined) throw new Error('the request does not open')
  const bound = answerBinding('sign', REQUEST)
  const sealed = await withRandom(answerNonce, () => opened.sealAnswer(answer, bound))
  return {
    id: 'sign', channelPrivateKey: toHex(channelPrivate), channelPublicKey: toHex(channelPublic), keyIdInput: toHex(framed(LABELS.channelKeyId, channelPublic)),
    keyId: toHex(key), ephemeralPrivateKey: toHex(fixed('ephemeral key')), enc: toHex(enc), info: toHex(utf8(LABELS.request)), aad: toHex(headerBytes),
    plaintext: toHex(body), ...requestValues(ephemeral, channel), ciphertext: toHex(ciphertext), http: JSON.stringify({ header: toBase64url(headerBytes), enc: toBase64url(enc), ciphertext: toBase64url(ciphertext) }),
    exporterContext: toHex(utf8(LABELS.answer)), ...answerValues(ephemeral, channel, answerNonce), answerAad: toHex(bound), answer: toHex(answer), sealedAnswer: toHex(sealed),
  }
}

async function recordVectors(): Promise<readonly object[]> {
  const owner = ownerOf({ tenant: { id: 'demo', issuer: ISSUER } as Parameters<typeof ownerOf>[0]['tenant'], subject: 'alice' })
  const dataKey = fixed('data key')
  const dataKeyCiphertext = fixed('KMS ciphertext', 64)
  const dataKeys = { generate: async () => ({ plaintext: dataKey.slice(), ciphertext: dataKeyCiphertext }), open: async () => dataKey.slice(), random: async () => new Uint8Array() }
  const vault = { dataKeys, argon2id, kmsKeyArn: KMS_KEY }
  const setting = { salt: fixed('argon2 salt', 16), memoryKiB: 19 * 1024, iterations: 2, parallelism: 1 }
  const pinHash = await hashPin(vault, PIN, idempotencyKey, setting)
  const content = contentHash(idempotencyKey, { ...unproven, op: 'create', parameters: encodeCreateParameters(createParameters), proof: null })
  const { label, permissions } = createParameters
  const state: WalletContent = {
    kind: 'mnemonic', label, accounts, permissions, fingerprint, createdAtMs: NOW_MS, idempotencyKey, recent: [{ key: IDEMPOTENCY, content, atMs: NOW_MS }],
    recoveryKey, recoveryMadeAtMs: NOW_MS, factor: null, export: null, goneAtMs: null, receipts,
  }
  // `seed` is sealed first, then the secret to the recovery code, then `state`.
  const nonces = [fixed('seed nonce', 12), fixed('state nonce', 12)]
  const sealer = await importX25519(fixed('recovery ephemeral key'))
  const at = { owner, wallet: WALLET, version: 1, createdAtMs: NOW_MS }
  const record = await withKeyPair(sealer.pair, () => withNodeRandom(nonces, () => wrap(vault, at, state, joined, pinHash)))
  const { recoverySeal } = (await openRecord(vault, record)).state
  if (recoverySeal === null) throw new Error('the secret is not sealed to the recovery code')
  const seedDigest = new Uint8Array(createHash('sha256').update(record.seed).digest())
  const encodedState = encodeState({ ...state, argon2: setting, seedDigest, recoverySeal })
  const aad = (part: string) => toHex(encodeCbor({ format: 1, owner, wallet: WALLET, version: 1, kmsKey: KMS_KEY, part }))
  await write('record', 'A stored record: owner, data key, state, seed (section 12)', [
    {
      id: 'record', issuer: ISSUER, issuerHash: issuerHash(ISSUER), tenant: 'demo', subject: 'alice', owner, wallet: WALLET, version: 1, createdAtMs: NOW_MS, kmsKey: KMS_KEY,
      encryptionContext: { purpose: 'cloister/v1 wallet', owner, wallet: WALLET }, dataKey: toHex(dataKey), dataKeyCiphertext: toHex(dataKeyCiphertext),
      pin: toHex(PIN), argon2: plain(setting), pinHash: toHex(pinHash.bytes), stateKey: toHex(stateKey(dataKey)), seedKey: toHex(seedKey(dataKey, pinHash.bytes)),
      stateAad: aad('state'), seedAad: aad('seed'), seedNonce: toHex(nonces[0] as Uint8Array), stateNonce: toHex(nonces[1] as Uint8Array),
      entropy: toHex(entropy), mnemonic: new TextDecoder().decode(sentence), bip39Seed: toHex(seed), secret: toHex(joined),
      fingerprint: toHex(fingerprint), idempotencyKey: toHex(idempotencyKey), idempotencyContent: toHex(content), seedDigest: toHex(seedDigest),
      recoveryCode: toHex(recovery), recoveryEphemeralPrivateKey: toHex(fixed('recovery ephemeral key')), recoveryInfo: toHex(utf8(LABELS.recoverySeal)), recoveryAad: aad('recovery'), recoverySeal: toHex(recoverySeal),
      createParameters: plain(createParameters), stateValue: plain({ ...state, argon2: setting, seedDigest, recoverySeal }), statePlaintext: toHex(encodedState), state: toHex(record.state), seed: toHex(record.seed),
    },
  ])
  const stored = { ...record, spent: 1, wrongMs: [NOW_MS + 5], expiresAtSec: 1_790_608_400 }
  const message = { token: TOKEN, header: headerBytes, enc: ephemeral.raw, ciphertext: count(0, 32), record: stored }
  return [
    codec('request', 'serviceRequest', message, encodeServiceRequest(message)),
    codec('request-no-record', 'serviceRequest', { ...message, record: null }, encodeServiceRequest({ ...message, record: null })),
  ]
}

async function keptProof(): Promise<Proof> {
  const { x, y } = client
  const proofOf = (signature: Uint8Array): Proof => ({ x, y, random, signature })
  const old = proofOf(await kept('proof', 'client-key', 'signature'))
  if (await verifyProof(old, headerBytes, ephemeral.raw, unproven)) return old
  return signProof({ privateKey: client.privateKey, x, y, random }, headerBytes, ephemeral.raw, unproven)
}

async function writeCodes(): Promise<void> {
  const file = join(ROOT, 'docs', 'protocol.md')
  const rows = Object.entries(ERRORS).map(([code, { where, status, title }]) => `| \`${code}\` | ${where} | ${status === 0 ? '–' : status} | ${title} |`)
  const table = ['| code | where | status | title |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const text = await readFile(file, 'utf8')
  const marked = /(<!-- codes: scripts\/make-vectors\.ts writes them -->\n)[\s\S]*?(\n<!-- end of codes -->)/
  if (!marked.test(text)) throw new Error('docs/protocol.md has no place for the codes')
  await writeFile(file, text.replace(marked, (_all, before: string, after: string) => before + table + after))
}
