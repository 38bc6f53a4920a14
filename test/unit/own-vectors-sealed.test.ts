/** test/vectors/own, what is signed, hashed and sealed: the same bytes both ways, and each altered one refused. */
import nodeCrypto from 'node:crypto'
import { createDataKeys } from '../../enclave-sim/core/data-keys.ts'
import { deriveAccount, rootFingerprint } from '../../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { open, seedKey, stateKey } from '../../enclave-sim/core/sealing.ts'
import { joinSecret, seedOf } from '../../enclave-sim/core/secret.ts'
import { encodeState, type WalletState } from '../../enclave-sim/core/state.ts'
import { contentHash, hashPin, openRecord, openSeed, wrap } from '../../enclave-sim/core/unlock.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { equal, toBase64url, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { channelKeyId, openRequest, parseChannelKey, startRequest } from '../../lib/protocol/channel.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import { jwkThumbprint, signProof, tokenNonce, verifyProof } from '../../lib/protocol/proof.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { decodeBody, encodeUnprovenBody, type RequestBody } from '../../lib/protocol/request.ts'
import { issuerHash, ownerOf } from '../../lib/tokens/owner.ts'
import { altered, hex, loadVectors, revive } from '../support/own-vectors.ts'

type Flat = Readonly<Record<string, string>>
type RecordVector = Flat & { readonly stateValue: unknown; readonly encryptionContext: unknown }

async function pair(privateKey: string | undefined, publicKey: Uint8Array) {
  const jwk = { kty: 'OKP', crv: 'X25519', d: toBase64url(hex(privateKey)), x: toBase64url(publicKey) }
  return {
    privateKey: await crypto.subtle.importKey('jwk', jwk, { name: 'X25519' }, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('raw', new Uint8Array(publicKey), { name: 'X25519' }, true, []),
  }
}
describe('the client key', () => {
  const vector = loadVectors<Flat>('proof')[0] as Flat
  const [x, y, random, header, enc, signature] = ['x', 'y', 'random', 'header', 'enc', 'signature'].map((name) => hex(vector[name])) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const { proof: _proof, ...body } = decodeBody(hex(loadVectors<Flat>('request').find((one) => one['id'] === 'body')?.['encoded'])) as RequestBody
  const proof = { x, y, random, signature }

  test('thumbprint, nonce and signed bytes', async () => {
    expect(toHex(await jwkThumbprint({ x, y }))).toBe(vector['thumbprint'])
    expect(await tokenNonce({ x, y }, random)).toBe(vector['nonce'])
    expect(toHex(framed(LABELS.tokenNonce, await jwkThumbprint({ x, y }), random))).toBe(vector['nonceInput'])
    expect(toHex(encodeUnprovenBody(body))).toBe(vector['unprovenBody'])
    expect(toHex(framed(LABELS.proof, header, enc, encodeUnprovenBody(body)))).toBe(vector['signedBytes'])
  })

  test('the proof verifies, and so does one made anew', async () => {
    expect(await verifyProof(proof, header, enc, body)).toBe(true)
    const jwk = { kty: 'EC', crv: 'P-256', d: toBase64url(hex(vector['privateKey'])), x: toBase64url(x), y: toBase64url(y) }
    const privateKey = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
    expect(await verifyProof(await signProof({ privateKey, x, y, random }, header, enc, body), header, enc, body)).toBe(true)
  })

  test('altered anywhere, it does not', async () => {
    for (const other of altered(signature)) expect(await verifyProof({ ...proof, signature: other }, header, enc, body)).toBe(false)
    for (const other of altered(header)) expect(await verifyProof(proof, other, enc, body)).toBe(false)
    for (const other of altered(enc)) expect(await verifyProof(proof, header, other, body)).toBe(false)
    for (const other of altered(x)) expect(await verifyProof({ ...proof, x: other }, header, enc, body)).toBe(false)
    for (const other of altered(random)) expect(await tokenNonce({ x, y }, other)).not.toBe(vector['nonce'])
    const changes: Partial<RequestBody>[] = [
      { op: 'view' }, { wallet: body.wallet.replace('1', '2') }, { request: new Uint8Array(16) }, { issuedAtMs: 0 }, { idempotency: new Uint8Array(16) },
      { token: new Uint8Array(32) }, { pin: null }, { pin: utf8('493818') }, { parameters: {} },
    ]
    for (const change of changes) expect(await verifyProof(proof, header, enc, { ...body, ...change })).toBe(false)
  })
})

describe('the channel', () => {
  const vector = loadVectors<Flat>('channel')[0] as Flat
  const [aad, enc, ciphertext, plaintext] = ['aad', 'enc', 'ciphertext', 'plaintext'].map((name) => hex(vector[name])) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const [sealed, bound, answer] = ['sealedAnswer', 'answerAad', 'answer'].map((name) => hex(vector[name])) as [Uint8Array, Uint8Array, Uint8Array]

  const recipient = () => pair(vector['channelPrivateKey'], hex(vector['channelPublicKey']))

  async function started() {
    const ephemeral = await pair(vector['ephemeralPrivateKey'], enc)
    const spy = jest.spyOn(crypto.subtle, 'generateKey').mockResolvedValue(ephemeral)
    try {
      return await startRequest(await parseChannelKey(hex(vector['channelPublicKey'])))
    } finally {
      spy.mockRestore()
    }
  }

  test('key id and framing', async () => {
    expect(toHex(framed(LABELS.channelKeyId, hex(vector['channelPublicKey'])))).toBe(vector['keyIdInput'])
    expect(toHex(await channelKeyId(hex(vector['channelPublicKey'])))).toBe(vector['keyId'])
  })

  test('client: these bytes go out, and the answer opens', async () => {
    const request = await started()
    expect(toHex(request.enc)).toBe(vector['enc'])
    const out = await request.seal(aad, plaintext)
    expect(toHex(out.ciphertext)).toBe(vector['ciphertext'])
    expect(JSON.parse(vector['http'] as string)).toEqual({ header: toBase64url(aad), enc: toBase64url(enc), ciphertext: toBase64url(ciphertext) })
    expect(toHex((await out.openAnswer(sealed, bound)) as Uint8Array)).toBe(vector['answer'])
    for (const other of altered(sealed)) expect(await out.openAnswer(other, bound)).toBeUndefined()
    for (const other of altered(bound)) expect(await out.openAnswer(sealed, other)).toBeUndefined()
    for (const length of [0, 32, 47, sealed.length - 1]) expect(await out.openAnswer(sealed.slice(0, length), bound)).toBeUndefined()
    const another = await (await startRequest(await parseChannelKey(hex(vector['channelPublicKey'])))).seal(aad, plaintext)
    expect(await another.openAnswer(sealed, bound)).toBeUndefined()
  })

  test('enclave: the request opens, and these bytes answer it', async () => {
    const opened = await openRequest(await recipient(), aad, enc, ciphertext)
    expect(toHex(opened?.body as Uint8Array)).toBe(vector['plaintext'])
    const spy = jest.spyOn(crypto, 'getRandomValues').mockImplementation((out) => ((out as Uint8Array).set(hex(vector['answerNonce'])), out))
    try {
      expect(toHex((await opened?.sealAnswer(answer, bound)) as Uint8Array)).toBe(vector['sealedAnswer'])
    } finally {
      spy.mockRestore()
    }
  })

  test('enclave: an altered request does not open', async () => {
    const keys = await recipient()
    for (const other of altered(ciphertext)) expect(await openRequest(keys, aad, enc, other)).toBeUndefined()
    for (const other of altered(aad)) expect(await openRequest(keys, other, enc, ciphertext)).toBeUndefined()
    for (const other of altered(enc)) expect(await openRequest(keys, aad, other, ciphertext)).toBeUndefined()
    expect(await openRequest(await pair(vector['ephemeralPrivateKey'], enc), aad, enc, ciphertext)).toBeUndefined()
  })
})

describe('the record', () => {
  const record = loadVectors<RecordVector>('record')[0] as RecordVector
  const owner = record['owner'] as string
  const wallet = record['wallet'] as string
  const [dataKey, dataKeyCiphertext, pin, sealedState, sealedSeed, secret] = ['dataKey', 'dataKeyCiphertext', 'pin', 'state', 'seed', 'secret'].map((name) => hex(record[name])) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const { argon2, seedDigest: _digest, ...content } = revive(record.stateValue) as WalletState
  const createdAtMs = Number(record['createdAtMs'])
  const stored: WalletRecord = {
    format: 1, owner, wallet, version: 1, dataKey: dataKeyCiphertext, state: sealedState, seed: sealedSeed, spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs,
  }
  const contexts: unknown[] = []
  const asked = (context: unknown): Uint8Array => (contexts.push(context), dataKey.slice())
  const kms = {
    generateDataKey: async (_attestation: Uint8Array, context: unknown) => ({ ciphertext: dataKeyCiphertext, envelope: asked(context) }),
    decrypt: async (_attestation: Uint8Array, _ciphertext: Uint8Array, context: unknown) => asked(context),
    generateRandom: async () => new Uint8Array(64),
  }
  const dataKeys = createDataKeys(kms, { attestation: async () => new Uint8Array(), open: (envelope) => new Uint8Array(envelope) })
  const vault = { dataKeys, argon2id, kmsKeyArn: record['kmsKey'] as string }

  test('owner, keys and hashes', async () => {
    expect(issuerHash(record['issuer'] as string)).toBe(record['issuerHash'])
    expect(ownerOf({ tenant: { id: record['tenant'], issuer: record['issuer'] } as never, subject: record['subject'] as string })).toBe(owner)
    const pinHash = await hashPin(vault, pin, argon2)
    expect(toHex(pinHash.bytes)).toBe(record['pinHash'])
    expect(toHex(stateKey(dataKey))).toBe(record['stateKey'])
    expect(toHex(seedKey(dataKey, pinHash.bytes))).toBe(record['seedKey'])
    const sentence = mnemonicBytes(hex(record['entropy']))
    expect(new TextDecoder().decode(sentence)).toBe(record['mnemonic'])
    expect(toHex(await mnemonicSeed(sentence))).toBe(record['bip39Seed'])
    expect(toHex(joinSecret(hex(record['entropy']), hex(record['bip39Seed'])))).toBe(record['secret'])
    expect(toHex(rootFingerprint(seedOf(secret)))).toBe(record['fingerprint'])
    expect(content.accounts.map(({ namespace, path }) => deriveAccount(seedOf(secret), namespace, path))).toEqual(content.accounts)
    const body = { op: 'create', wallet, parameters: { words: 12 } } as unknown as RequestBody
    expect(toHex(contentHash(hex(record['idempotencyKey']), body))).toBe(record['idempotencyContent'])
    expect(toHex(contentHash(hex(record['idempotencyKey']), { ...body, parameters: { words: 24 } }))).not.toBe(record['idempotencyContent'])
  })

  test('is sealed to these bytes, for the wallet that KMS is told of', async () => {
    const nonces = [record['seedNonce'], record['stateNonce']]
    const spy = jest.spyOn(nodeCrypto, 'randomBytes').mockImplementation(() => Buffer.from(hex(nonces.shift())))
    contexts.length = 0
    try {
      expect(await wrap(vault, { owner, wallet, version: 1, createdAtMs }, { state: content, secret }, await hashPin(vault, pin, argon2))).toEqual(stored)
    } finally {
      spy.mockRestore()
    }
    expect(contexts).toEqual([record.encryptionContext])
  })

  test('opens, with its PIN alone', async () => {
    contexts.length = 0
    const opened = await openRecord(vault, stored)
    expect(contexts).toEqual([record.encryptionContext])
    expect(toHex(encodeState(opened.state))).toBe(record['statePlaintext'])
    expect(toHex((await openSeed(vault, opened, pin))?.secret as Uint8Array)).toBe(record['secret'])
    expect(await openSeed(vault, opened, utf8('493818'))).toBeUndefined()
  })

  test('altered anywhere, moved, or under another key, it does not', async () => {
    const invalid = { code: 'record_invalid' }
    for (const state of altered(sealedState)) await expect(openRecord(vault, { ...stored, state })).rejects.toMatchObject(invalid)
    for (const seed of altered(sealedSeed)) await expect(openRecord(vault, { ...stored, seed })).rejects.toMatchObject(invalid)
    for (const change of [{ format: 2 }, { owner: `${owner}2` }, { wallet: wallet.replace('1', '2') }, { version: 2 }]) {
      await expect(openRecord(vault, { ...stored, ...change })).rejects.toMatchObject(invalid)
    }
    await expect(openRecord({ ...vault, kmsKeyArn: `${vault.kmsKeyArn}0` }, stored)).rejects.toMatchObject(invalid)
    const binding = { format: 1, owner, wallet, version: 1, kmsKey: vault.kmsKeyArn }
    const key = hex(record['seedKey'])
    expect(equal(open(key, sealedSeed, binding, 'seed') as Uint8Array, secret)).toBe(true)
    expect(open(key, sealedSeed, binding, 'state')).toBeUndefined()
    for (const seed of altered(sealedSeed)) expect(open(key, seed, binding, 'seed')).toBeUndefined()
  })
})
