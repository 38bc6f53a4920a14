/** test/vectors/own, what is signed, hashed and sealed: the same bytes both ways, and each altered one refused. */
import nodeCrypto from 'node:crypto'
import { verifyHistory } from '../../client/history.ts'
import { createDataKeys } from '../../enclave-sim/core/data-keys.ts'
import { codeAt, factorSecret } from '../../enclave-sim/core/factor.ts'
import { deriveAccount, rootFingerprint } from '../../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { open, seedKey, stateKey } from '../../enclave-sim/core/sealing.ts'
import { storedTail } from '../../enclave-sim/core/receipts.ts'
import { recoveryCode } from '../../enclave-sim/core/recovery.ts'
import { encodeState, type WalletState } from '../../enclave-sim/core/state.ts'
import { contentHash, hashPin, openRecord, openRecovery, openSeed, wrap } from '../../enclave-sim/core/unlock.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { makeBackup, openBackup, readBackup, type BackupContent, type BackupFile } from '../../lib/protocol/backup.ts'
import { equal, toBase64url, toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { channelKeyId, openRequest, parseChannelKey, startRequest } from '../../lib/protocol/channel.ts'
import { framed, LABELS } from '../../lib/protocol/labels.ts'
import { encodeCreateParameters, type CreateParameters } from '../../lib/protocol/lifecycle.ts'
import { jwkThumbprint, signProof, tokenNonce, verifyProof } from '../../lib/protocol/proof.ts'
import { encodeReceipt, encodeSign1, openReceipt, openStoredReceipt, receiptHash, receiptSigned, storedReceiptBinding, type Receipt } from '../../lib/protocol/receipt.ts'
import { receiptItem, type WalletRecord } from '../../lib/protocol/record.ts'
import { formatRecoveryCode, parseRecoveryCode } from '../../lib/protocol/recovery-code.ts'
import { openWithCode, recoveryPublicKey } from '../../lib/protocol/recovery-seal.ts'
import { decodeBody, encodeUnprovenBody, type RequestBody } from '../../lib/protocol/request.ts'
import { joinSecret, splitSecret, type WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import { issuerHash, ownerOf } from '../../lib/tokens/owner.ts'
import { altered, hex, loadVectors, revive } from '../support/own-vectors.ts'

type Flat = Readonly<Record<string, string>>
type RecordVector = Flat & { readonly stateValue: unknown; readonly encryptionContext: unknown; readonly createParameters: unknown }

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
      { token: new Uint8Array(32) }, { pin: null }, { pin: utf8('493818') }, { otp: utf8('123456') }, { parameters: {} },
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
  const { argon2, seedDigest: _digest, recoverySeal: _seal, ...content } = revive(record.stateValue) as WalletState
  const createdAtMs = Number(record['createdAtMs'])
  const stored: WalletRecord = {
    format: 1, owner, wallet, version: 1, dataKey: dataKeyCiphertext, state: sealedState, seed: sealedSeed, spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs, expiresAtSec: 0,
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
    const pinHash = await hashPin(vault, pin, hex(record['idempotencyKey']), argon2)
    expect(toHex(pinHash.bytes)).toBe(record['pinHash'])
    expect(toHex(stateKey(dataKey))).toBe(record['stateKey'])
    expect(toHex(seedKey(dataKey, pinHash.bytes))).toBe(record['seedKey'])
    const sentence = mnemonicBytes(hex(record['entropy']))
    expect(new TextDecoder().decode(sentence)).toBe(record['mnemonic'])
    expect(toHex(mnemonicSeed(sentence))).toBe(record['bip39Seed'])
    const parts: WalletSecret = { kind: 'mnemonic', entropy: hex(record['entropy']), passphrase: new Uint8Array(), seed: hex(record['bip39Seed']) }
    expect(toHex(joinSecret(parts))).toBe(record['secret'])
    expect(splitSecret(secret)).toEqual(parts)
    expect(toHex(rootFingerprint(parts))).toBe(record['fingerprint'])
    expect(content.accounts.length).toBeGreaterThan(0)
    expect(content.accounts.map(({ namespace, path }) => deriveAccount(parts, namespace, path))).toEqual(content.accounts)
    const parameters = revive(record.createParameters) as CreateParameters
    const body = { op: 'create', wallet, parameters: encodeCreateParameters(parameters) } as unknown as RequestBody
    expect(toHex(contentHash(hex(record['idempotencyKey']), body))).toBe(record['idempotencyContent'])
    const other = encodeCreateParameters({ ...parameters, words: 24 })
    expect(toHex(contentHash(hex(record['idempotencyKey']), { ...body, parameters: other }))).not.toBe(record['idempotencyContent'])
  })

  test('is sealed to these bytes, for the wallet that KMS is told of', async () => {
    const nonces = [record['seedNonce'], record['stateNonce']]
    const spy = jest.spyOn(nodeCrypto, 'randomBytes').mockImplementation(() => Buffer.from(hex(nonces.shift())))
    const sealer = await pair(record['recoveryEphemeralPrivateKey'], hex(record['recoverySeal']).slice(0, 32))
    const keys = jest.spyOn(crypto.subtle, 'generateKey').mockResolvedValue(sealer)
    contexts.length = 0
    try {
      expect(await wrap(vault, { owner, wallet, version: 1, createdAtMs }, content, secret, await hashPin(vault, pin, hex(record['idempotencyKey']), argon2))).toEqual(stored)
    } finally {
      spy.mockRestore()
      keys.mockRestore()
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

  test('opens with its recovery code as well, for a new PIN', async () => {
    const opened = await openRecord(vault, stored)
    const code = hex(record['recoveryCode'])
    expect(toHex((await openRecovery(vault, opened, code, utf8('271828')))?.secret as Uint8Array)).toBe(record['secret'])
    const [sealed, aad] = [hex(record['recoverySeal']), hex(record['recoveryAad'])]
    expect(toHex((await openWithCode(code, sealed, 'record', aad)) as Uint8Array)).toBe(record['secret'])
    expect(await openWithCode(code, sealed, 'backup', aad)).toBeUndefined()
    for (const other of altered(code)) expect(await openWithCode(other, sealed, 'record', aad)).toBeUndefined()
    for (const other of altered(sealed)) expect(await openWithCode(code, other, 'record', aad)).toBeUndefined()
    for (const other of [...altered(aad)].slice(-40)) expect(await openWithCode(code, sealed, 'record', other)).toBeUndefined()
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

describe('the recovery code', () => {
  const [code, backup, factor] = loadVectors<unknown>('recovery') as [Flat, Flat & { readonly content: unknown }, Flat & { readonly step: number }]

  test('is of the wallet and the request, and is written so', async () => {
    const [key, secret, request] = [hex(code['idempotencyKey']), hex(code['secret']), hex(code['idempotency'])]
    expect(toHex(framed(LABELS.recoveryCode, request))).toBe(code['macInput'])
    expect(toHex(recoveryCode(key, secret, request))).toBe(code['code'])
    for (const other of altered(request)) expect(toHex(recoveryCode(key, secret, other))).not.toBe(code['code'])
    expect(toHex(framed(LABELS.recoveryChecksum, hex(code['code'])))).toBe(code['checksumInput'])
    expect(await formatRecoveryCode(hex(code['code']))).toBe(code['text'])
    expect(toHex((await parseRecoveryCode(code['text'] as string)) as Uint8Array)).toBe(code['code'])
    const typed = (code['text'] as string).toLowerCase().replaceAll('-', ' ').replaceAll('1', 'l').replaceAll('0', 'o')
    expect(toHex((await parseRecoveryCode(typed)) as Uint8Array)).toBe(code['code'])
  })

  test('mistyped anywhere, or with two neighbours swapped, it is none', async () => {
    const text = (code['text'] as string).replaceAll('-', '')
    for (let i = 0; i < text.length; i++) {
      const wrong = text[i] === 'Z' ? 'Y' : 'Z'
      expect(await parseRecoveryCode(text.slice(0, i) + wrong + text.slice(i + 1))).toBeUndefined()
      const swapped = text.slice(0, i) + (text[i + 1] ?? '') + text[i] + text.slice(i + 2)
      if (swapped !== text && swapped.length === text.length) expect(await parseRecoveryCode(swapped)).toBeUndefined()
    }
    for (const other of ['', text.slice(1), `${text}0`, text.replace(text[3] as string, 'U'), text.replace(text[3] as string, '!')]) expect(await parseRecoveryCode(other)).toBeUndefined()
  })

  test('derives this key', async () => {
    expect(toHex(framed(LABELS.recoveryKey, hex(code['code'])))).toBe(code['keyMaterial'])
    expect(toHex(await recoveryPublicKey(hex(code['code'])))).toBe(code['publicKey'])
  })

  test('opens a backup file, which is this text', async () => {
    const bytes = utf8(backup['file'] as string)
    const file = readBackup(bytes) as BackupFile
    const sealer = await pair(backup['ephemeralPrivateKey'], file.sealed.slice(0, 32))
    const keys = jest.spyOn(crypto.subtle, 'generateKey').mockResolvedValue(sealer)
    try {
      expect(await makeBackup(revive(backup.content) as BackupContent, hex(backup['secret']), hex(code['publicKey']))).toEqual(bytes)
    } finally {
      keys.mockRestore()
    }
    expect(toHex((await openBackup(file, hex(backup['code']))) as Uint8Array)).toBe(backup['secret'])
    for (const other of altered(hex(backup['code']))) expect(await openBackup(file, other)).toBeUndefined()
    for (const sealed of altered(file.sealed)) expect(await openBackup({ ...file, sealed }, hex(backup['code']))).toBeUndefined()
    for (const fingerprint of altered(file.fingerprint)) expect(await openBackup({ ...file, fingerprint }, hex(backup['code']))).toBeUndefined()
    const changes: Partial<BackupFile>[] = [{ wallet: file.wallet.replace('1', '2') }, { createdAtMs: 0 }, { accounts: [] }, { accounts: [...file.accounts, ...file.accounts] }]
    for (const change of changes) expect(await openBackup({ ...file, ...change }, hex(backup['code']))).toBeUndefined()
  })

  test('a backup file has these fields and no others, each in its bounds', () => {
    const fields = JSON.parse(backup['file'] as string) as Record<string, unknown>
    const read = (change: Record<string, unknown>): unknown => readBackup(utf8(JSON.stringify({ ...fields, ...change })))
    expect(read({})).toEqual(readBackup(utf8(backup['file'] as string)))
    for (const name of Object.keys(fields)) {
      const { [name]: _left, ...rest } = fields
      expect(readBackup(utf8(JSON.stringify(rest)))).toBeUndefined()
      for (const bad of [null, true, {}]) expect(read({ [name]: bad })).toBeUndefined()
    }
    for (const change of [{ more: 1 }, { format: 'other' }, { version: 2 }, { wallet: 'x' }, { fingerprint: 'AA' }, { createdAt: -1 }, { accounts: [1] }, { sealed: 'AA' }, { sealed: '*' }]) expect(read(change)).toBeUndefined()
    for (const bytes of [new Uint8Array(), utf8('null'), utf8('[]'), Uint8Array.of(255)]) expect(readBackup(bytes)).toBeUndefined()
  })

  test('the second factor’s secret and code', () => {
    const [key, secret, request] = [hex(factor['idempotencyKey']), hex(factor['secret']), hex(factor['idempotency'])]
    expect(toHex(framed(LABELS.factor, request))).toBe(factor['macInput'])
    expect(toHex(factorSecret(key, secret, request))).toBe(factor['factorSecret'])
    expect(new TextDecoder().decode(codeAt(hex(factor['factorSecret']), factor.step))).toBe(factor['otp'])
    for (const other of altered(request)) expect(toHex(factorSecret(key, secret, other))).not.toBe(factor['factorSecret'])
  })
})

describe('receipts', () => {
  const receipts = loadVectors<Flat & { readonly value: unknown }>('receipts')
  const key = hex(receipts[0]?.['publicKey'])
  const sign1s = receipts.map(({ sign1 }) => hex(sign1))

  test.each(receipts.map((receipt) => [receipt['id'], receipt] as const))('%s: these bytes, signed, and what is altered is none', async (_id, vector) => {
    const receipt = revive(vector.value) as Receipt
    const sign1 = hex(vector['sign1'])
    expect(toHex(encodeReceipt(receipt))).toBe(vector['payload'])
    expect(toHex(receiptSigned(hex(vector['payload'])))).toBe(vector['signed'])
    expect(toHex(encodeSign1(hex(vector['payload']), hex(vector['signature'])))).toBe(vector['sign1'])
    expect(await openReceipt(sign1, key)).toEqual(receipt)
    expect(toHex(await receiptHash(sign1))).toBe(vector['hash'])
    for (const other of altered(sign1)) expect(await openReceipt(other, key)).toBeUndefined()
    for (const other of altered(key)) expect(await openReceipt(sign1, other)).toBeUndefined()
    for (let length = 0; length < sign1.length; length += 7) expect(await openReceipt(sign1.slice(0, length), key)).toBeUndefined()
  })

  test.each(receipts.map((receipt) => [receipt['id'], receipt] as const))('%s: is stored so, and opens in its own place alone', async (_id, vector) => {
    const { wallet, sequence } = revive(vector.value) as Receipt
    const [storageKey, stored, sign1] = [hex(vector['storageKey']), hex(vector['stored']), hex(vector['sign1'])]
    expect(receiptItem(wallet, sequence)).toBe(vector['item'])
    expect(toHex(storedReceiptBinding(wallet, sequence))).toBe(vector['storedAad'])
    const spy = jest.spyOn(nodeCrypto, 'randomBytes').mockImplementation(() => Buffer.from(hex(vector['storedNonce'])))
    try {
      const state = { privateKey: hex(vector['privateKey']), publicKey: key, storageKey, count: sequence, head: hex(vector['hash']), tail: [sign1] }
      expect(storedTail(state, wallet)).toEqual([{ sequence, sealed: stored }])
    } finally {
      spy.mockRestore()
    }
    expect(toHex((await openStoredReceipt(storageKey, wallet, sequence, stored)) as Uint8Array)).toBe(vector['sign1'])
    expect(await openStoredReceipt(storageKey, wallet, sequence + 1, stored)).toBeUndefined()
    expect(await openStoredReceipt(storageKey, wallet.replace('1', '2'), sequence, stored)).toBeUndefined()
    for (const other of altered(storageKey)) expect(await openStoredReceipt(other, wallet, sequence, stored)).toBeUndefined()
    for (const other of altered(stored)) expect(await openStoredReceipt(storageKey, wallet, sequence, other)).toBeUndefined()
    for (const length of [0, 12, 27]) expect(await openStoredReceipt(storageKey, wallet, sequence, stored.slice(0, length))).toBeUndefined()
  })

  test('are a chain, and one with another signature key, order or end is none', async () => {
    const wallet = receipts[0]?.['wallet'] as string
    const head = { key, count: 2, head: hex(receipts[1]?.['hash']) }
    expect(await verifyHistory(sign1s, wallet, head)).toHaveLength(2)
    for (const list of [[], sign1s.slice(0, 1), sign1s.slice(1), sign1s.toReversed(), [...sign1s, ...sign1s.slice(1)]]) await expect(verifyHistory(list, wallet, head)).rejects.toMatchObject({ code: 'history_invalid' })
  })
})
