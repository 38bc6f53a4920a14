/**
 * Program: `node scripts/make-vectors.ts`. Writes test/vectors/own, the test vectors of our own formats, and the table of codes in
 * docs/protocol.md. All that is random elsewhere is fixed here, so that a second run changes nothing.
 *
 * Inside vectors, bytes are `{"bytes": hex}` where text could stand as well, and plain hex where only bytes can.
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serializeTransaction, toBytes } from 'viem'
import { firstAccounts, rootFingerprint, signDigest } from '../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../enclave-sim/core/mnemonic.ts'
import { seedKey, stateKey } from '../enclave-sim/core/sealing.ts'
import { joinSecret } from '../enclave-sim/core/secret.ts'
import { encodeState } from '../enclave-sim/core/state.ts'
import { contentHash, hashPin, wrap } from '../enclave-sim/core/unlock.ts'
import { argon2id } from '../enclave-sim/platform/argon2.ts'
import { ethereum } from '../lib/chains/ethereum/ethereum.ts'
import { answerBinding, encodeAnswer } from '../lib/protocol/answer.ts'
import { toBase64url, toHex, utf8 } from '../lib/protocol/bytes.ts'
import { encodeCbor, type CborValue } from '../lib/protocol/cbor.ts'
import { channelKeyId, openRequest, parseChannelKey, startRequest } from '../lib/protocol/channel.ts'
import { ERRORS } from '../lib/protocol/errors.ts'
import { encodeHeader } from '../lib/protocol/header.ts'
import { framed, LABELS } from '../lib/protocol/labels.ts'
import { encodeCreateParameters, encodeSignParameters, encodeSignResult, encodeWalletView } from '../lib/protocol/operations.ts'
import { jwkThumbprint, signProof, tokenNonce, verifyProof } from '../lib/protocol/proof.ts'
import { encodeBody, encodeUnprovenBody, type Proof } from '../lib/protocol/request.ts'
import { encodeAttestRequest, encodeChannelBinding, encodeChannelOffer, encodeChannels, encodeServiceAnswer, encodeServiceRequest } from '../lib/protocol/service.ts'
import { issuerHash, ownerOf } from '../lib/tokens/owner.ts'
import { fixed, importP256, importX25519, withKeyPair, withNodeRandom, withRandom } from './own-vectors/fixed.ts'
import { answerValues, requestValues } from './own-vectors/hpke.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'test', 'vectors', 'own')

function count(from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => from + i)
}

/** JSON that tells bytes from text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

async function write(name: string, about: string, vectors: readonly object[]): Promise<void> {
  const meta = { about, madeBy: 'scripts/make-vectors.ts' }
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ meta, vectors }, null, 2)}\n`)
}

const codec = (id: string, format: string, value: unknown, encoded: Uint8Array) => ({ id, format, value: plain(value), encoded: toHex(encoded) })

const ISSUER = 'https://login.example'
const WALLET = '11111111-2222-4333-8444-555555555555'
const NOW_MS = 1_790_000_000_000
const TOKEN = utf8('header.payload.signature')
const PIN = utf8('493817')
const REQUEST = count(0x00, 16)
const IDEMPOTENCY = count(0x10, 16)
const KMS_KEY = 'arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444'

// A wallet: BIP-39's entropy of zeros, so that anybody knows its addresses.
const entropy = new Uint8Array(16)
const sentence = mnemonicBytes(entropy)
const seed = await mnemonicSeed(sentence)
const accounts = firstAccounts(seed)
const account = accounts[0] as (typeof accounts)[number]
const fingerprint = rootFingerprint(seed)
const transaction = toBytes(
  serializeTransaction({
    type: 'eip1559', chainId: 31337, nonce: 0, to: '0x000000000000000000000000000000000000dEaD', value: 250_000_000_000_000_000n, gas: 21_000n,
    maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n,
  }),
)
const permissions = { exportable: false, rawHash: false, withoutChainId: false, anySighash: false }
const plan = ethereum.read({ chain: 'eip155:31337', kind: 'transaction', data: transaction, context: null }).plan({ account, accounts, permissions })
const [task] = plan.tasks
if (task?.scheme.kind !== 'ecdsa') throw new Error('one ECDSA signature')
const signed = plan.assemble([signDigest(seed, account, task.scheme.digest)])

const guesses = { guessesLeft: 5, lockedUntilMs: 0, wrongTotal: 1 }
const createParameters = { words: 12 } as const
const signParameters = { chain: 'eip155:31337', path: account.path, transaction }
const view = { wallet: WALLET, version: 1, createdAtMs: NOW_MS, accounts, fingerprint, ...guesses, wrongTotal: 0 }
const signResult = { ...signed, address: account.address, fingerprint, ...guesses }

await write('operations', 'Parameters and results of each operation (docs/protocol.md, section 8)', [
  codec('create-parameters', 'createParameters', createParameters, encodeCbor(encodeCreateParameters(createParameters))),
  codec('view-parameters', 'viewParameters', {}, encodeCbor({})),
  codec('sign-parameters', 'signParameters', signParameters, encodeCbor(encodeSignParameters(signParameters))),
  codec('wallet-view', 'walletView', view, encodeCbor(encodeWalletView(view))),
  codec('sign-result', 'signResult', signResult, encodeCbor(encodeSignResult(signResult))),
])

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
  token: new Uint8Array(createHash('sha256').update(TOKEN).digest()), pin: PIN, parameters: encodeSignParameters(signParameters),
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

const body = encodeBody({ ...unproven, proof })
await write('request', 'Header, body without proof, body (section 6)', [
  codec('header-sign', 'header', header, headerBytes),
  codec('header-create', 'header', { ...header, op: 'create' }, encodeHeader({ ...header, op: 'create' })),
  codec('unproven-body', 'unprovenBody', unproven, encodeUnprovenBody(unproven)),
  codec('body', 'body', { ...unproven, proof }, body),
  codec('body-view-no-proof', 'body', { ...unproven, op: 'view', pin: null, parameters: {}, proof: null }, encodeBody({ ...unproven, op: 'view', pin: null, parameters: {}, proof: null })),
])

const refusal = { ok: false, code: 'pin_wrong', guesses: { guessesLeft: 4, lockedUntilMs: 0, wrongTotal: 2 } } as const
const outcome = { ok: true, result: encodeSignResult(signResult) } as const
const answer = encodeAnswer('sign', REQUEST, outcome)
await write('answer', 'Answers before they are sealed, and their AAD (section 7)', [
  codec('answer-done', 'answer', { op: 'sign', request: REQUEST, outcome }, answer),
  codec('answer-refused-guesses', 'answer', { op: 'sign', request: REQUEST, outcome: refusal }, encodeAnswer('sign', REQUEST, refusal)),
  codec('answer-refused', 'answer', { op: 'sign', request: REQUEST, outcome: { ok: false, code: 'tx_malformed', guesses: null } }, encodeAnswer('sign', REQUEST, { ok: false, code: 'tx_malformed', guesses: null })),
  codec('answer-binding', 'answerBinding', { op: 'sign', request: REQUEST }, answerBinding('sign', REQUEST)),
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
  const pinHash = await hashPin(vault, PIN, setting)
  const secret = joinSecret(entropy, seed)
  const idempotencyKey = fixed('idempotency key')
  const content = contentHash(idempotencyKey, { ...unproven, op: 'create', parameters: encodeCreateParameters(createParameters), proof: null })
  const state = { accounts, fingerprint, createdAtMs: NOW_MS, idempotencyKey, recent: [{ key: IDEMPOTENCY, content, atMs: NOW_MS }] }
  // `seed` is sealed first.
  const nonces = [fixed('seed nonce', 12), fixed('state nonce', 12)]
  const record = await withNodeRandom(nonces, () => wrap(vault, { owner, wallet: WALLET, version: 1, createdAtMs: NOW_MS }, { state, secret }, pinHash))
  const seedDigest = new Uint8Array(createHash('sha256').update(record.seed).digest())
  const encodedState = encodeState({ ...state, argon2: setting, seedDigest })
  const aad = (part: string) => toHex(encodeCbor({ format: 1, owner, wallet: WALLET, version: 1, kmsKey: KMS_KEY, part }))
  await write('record', 'A stored record: owner, data key, state, seed (section 12)', [
    {
      id: 'record', issuer: ISSUER, issuerHash: issuerHash(ISSUER), tenant: 'demo', subject: 'alice', owner, wallet: WALLET, version: 1, createdAtMs: NOW_MS, kmsKey: KMS_KEY,
      encryptionContext: { purpose: 'cloister/v1 wallet', owner, wallet: WALLET }, dataKey: toHex(dataKey), dataKeyCiphertext: toHex(dataKeyCiphertext),
      pin: toHex(PIN), argon2: plain(setting), pinHash: toHex(pinHash.bytes), stateKey: toHex(stateKey(dataKey)), seedKey: toHex(seedKey(dataKey, pinHash.bytes)),
      stateAad: aad('state'), seedAad: aad('seed'), seedNonce: toHex(nonces[0] as Uint8Array), stateNonce: toHex(nonces[1] as Uint8Array),
      entropy: toHex(entropy), mnemonic: new TextDecoder().decode(sentence), bip39Seed: toHex(seed), secret: toHex(secret),
      fingerprint: toHex(fingerprint), idempotencyKey: toHex(idempotencyKey), idempotencyContent: toHex(content), seedDigest: toHex(seedDigest),
      stateValue: plain({ ...state, argon2: setting, seedDigest }), statePlaintext: toHex(encodedState), state: toHex(record.state), seed: toHex(record.seed),
    },
  ])
  const stored = { ...record, spent: 1, wrongMs: [NOW_MS + 5] }
  const message = { token: TOKEN, header: headerBytes, enc: ephemeral.raw, ciphertext: count(0, 32), record: stored }
  return [
    codec('request', 'serviceRequest', message, encodeServiceRequest(message)),
    codec('request-no-record', 'serviceRequest', { ...message, record: null }, encodeServiceRequest({ ...message, record: null })),
  ]
}

async function keptProof(): Promise<Proof> {
  const kept = await readFile(join(folder, 'proof.json'), 'utf8').then((text) => (JSON.parse(text) as { vectors: { signature: string }[] }).vectors[0]?.signature, () => undefined)
  const { x, y } = client
  const proofOf = (signature: Uint8Array): Proof => ({ x, y, random, signature })
  const old = proofOf(new Uint8Array(Buffer.from(kept ?? '', 'hex')))
  if (await verifyProof(old, headerBytes, ephemeral.raw, unproven)) return old
  return signProof({ privateKey: client.privateKey, x, y, random }, headerBytes, ephemeral.raw, unproven)
}

async function writeCodes(): Promise<void> {
  const file = join(root, 'docs', 'protocol.md')
  const rows = Object.entries(ERRORS).map(([code, { where, status, title }]) => `| \`${code}\` | ${where} | ${status === 0 ? '–' : status} | ${title} |`)
  const table = ['| code | where | status | title |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const text = await readFile(file, 'utf8')
  const marked = /(<!-- codes: scripts\/make-vectors\.ts writes them -->\n)[\s\S]*?(\n<!-- end of codes -->)/
  if (!marked.test(text)) throw new Error('docs/protocol.md has no place for the codes')
  await writeFile(file, text.replace(marked, (_all, before: string, after: string) => before + table + after))
}
