/** The two ciphertexts of a record, what opens them, and what they say. */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type { DataKeys } from '../../enclave-sim/core/data-keys.ts'
import { walletEntropy } from '../../enclave-sim/core/entropy.ts'
import { open, seal, seedKey, stateKey, type RecordBinding } from '../../enclave-sim/core/sealing.ts'
import { ARGON2, decodeState, encodeState, type Factor, type WalletContent, type WalletState } from '../../enclave-sim/core/state.ts'
import { contentHash, hashPin, isRepeat, openRecord, openRecovery, openSeed, remember, wrap, type Vault } from '../../enclave-sim/core/unlock.ts'
import { decodeCbor, encodeCbor, type CborValue } from '../../lib/protocol/cbor.ts'
import { NO_PERMISSIONS } from '../../lib/protocol/operations.ts'
import { recoveryPublicKey } from '../../lib/protocol/recovery-seal.ts'
import type { RequestBody } from '../../lib/protocol/request.ts'
import { toHex, utf8 } from '../../lib/protocol/bytes.ts'
import { joinSecret, splitSecret, type WalletSecret } from '../../lib/protocol/wallet-secret.ts'
import { createTestArgon2 } from '../support/core-argon2.ts'
import { codeFrom, codeOf, flipped } from '../support/core-codes.ts'

const key = new Uint8Array(32).fill(3)
const binding: RecordBinding = { format: 1, owner: 'user#demo#x#alice', wallet: 'w', version: 5, kmsKey: 'arn' }

describe('sealing', () => {
  test('opens what it sealed, with the same key, binding and part', () => {
    const sealed = seal(key, utf8('secret'), binding, 'seed')
    expect(open(key, sealed, binding, 'seed')).toEqual(utf8('secret'))
    expect(sealed).toHaveLength(12 + 6 + 16)
  })

  test('never seals twice alike', () => {
    const sealed = Array.from({ length: 50 }, () => toHex(seal(key, utf8('secret'), binding, 'seed')))
    expect(new Set(sealed).size).toBe(50)
  })

  test.each<[string, Partial<RecordBinding>]>([
    ['format', { format: 2 }], ['owner', { owner: 'user#demo#x#alic' }], ['wallet', { wallet: 'v' }], ['version', { version: 6 }], ['KMS key', { kmsKey: 'arn2' }],
  ])('rejects another %s', (_what, change) => {
    expect(open(key, seal(key, utf8('secret'), binding, 'seed'), { ...binding, ...change }, 'seed')).toBeUndefined()
  })

  test('rejects the other part, another key, and any bit changed', () => {
    const sealed = seal(key, utf8('secret'), binding, 'seed')
    expect(open(key, sealed, binding, 'state')).toBeUndefined()
    expect(open(flipped(key), sealed, binding, 'seed')).toBeUndefined()
    for (let at = 0; at < sealed.length; at++) expect(open(key, flipped(sealed, at), binding, 'seed')).toBeUndefined()
    for (let length = 0; length < sealed.length; length++) expect(open(key, sealed.slice(0, length), binding, 'seed')).toBeUndefined()
  })

  test('the keys of both parts differ, and the PIN is in one of them', () => {
    const dataKey = new Uint8Array(32).fill(9)
    const keys = [stateKey(dataKey), seedKey(dataKey, new Uint8Array(32)), seedKey(dataKey, flipped(new Uint8Array(32))), stateKey(flipped(dataKey))].map(toHex)
    expect(new Set(keys).size).toBe(4)
    expect(toHex(stateKey(dataKey))).toBe(toHex(stateKey(dataKey)))
  })

})

describe("a wallet's secret", () => {
  const secrets: readonly WalletSecret[] = [
    ...[16, 20, 24, 28, 32].map((bytes) => ({ kind: 'mnemonic', entropy: new Uint8Array(bytes).fill(1), passphrase: utf8('pass'), seed: new Uint8Array(64).fill(2) }) as const),
    { kind: 'mnemonic', entropy: new Uint8Array(16).fill(1), passphrase: new Uint8Array(), seed: new Uint8Array(64).fill(2) },
    { kind: 'mnemonic', entropy: new Uint8Array(32).fill(1), passphrase: new Uint8Array(255).fill(3), seed: new Uint8Array(64).fill(2) },
    { kind: 'secp256k1', key: new Uint8Array(32).fill(4) },
    { kind: 'ed25519', key: new Uint8Array(32).fill(4) },
  ]

  test('is its parts, one after the other', () => {
    for (const secret of secrets) expect(splitSecret(joinSecret(secret))).toEqual(secret)
    const [first] = secrets as [WalletSecret]
    const filled = (hex: string): string => hex.padEnd(2 * 354, '0')
    expect(toHex(joinSecret(first))).toBe(filled(`0110${'01'.repeat(16)}04${toHex(utf8('pass'))}${'02'.repeat(64)}`))
    expect(toHex(joinSecret({ kind: 'secp256k1', key: new Uint8Array(32).fill(4) }))).toBe(filled(`02${'04'.repeat(32)}`))
    expect(toHex(joinSecret({ kind: 'ed25519', key: new Uint8Array(32).fill(4) }))).toBe(filled(`03${'04'.repeat(32)}`))
  })

  test('is as long whatever it is, so that its ciphertext tells nothing of it', () => {
    expect(new Set(secrets.map((secret) => joinSecret(secret).length))).toEqual(new Set([354]))
    for (const secret of secrets) {
      const joined = joinSecret(secret)
      const end = secret.kind === 'mnemonic' ? 3 + secret.entropy.length + secret.passphrase.length + 64 : 33
      for (let at = end; at < joined.length; at += 7) expect(splitSecret(joined.with(at, 1))).toBeUndefined()
      if (end < joined.length) expect(splitSecret(joined.with(joined.length - 1, 0x80))).toBeUndefined()
    }
  })

  test('is split into views: wiping one wipes the other', () => {
    for (const secret of secrets) {
      const joined = joinSecret(secret)
      const parts = splitSecret(joined) as WalletSecret
      for (const part of parts.kind === 'mnemonic' ? [parts.entropy, parts.passphrase, parts.seed] : [parts.key]) part.fill(0)
      const heads = parts.kind === 'mnemonic' ? [1, parts.entropy.length, parts.passphrase.length] : [parts.kind === 'secp256k1' ? 2 : 3]
      expect([...joined].filter((byte) => byte !== 0)).toEqual(heads.filter((byte) => byte !== 0))
    }
  })

  test('rejects another length, kind, or number of bytes of entropy', () => {
    for (const secret of secrets) {
      const joined = joinSecret(secret)
      for (let length = 0; length < joined.length; length++) expect(splitSecret(joined.subarray(0, length))).toBeUndefined()
      expect(splitSecret(Uint8Array.of(...joined, 0))).toBeUndefined()
      for (const kind of [0, 4, 255]) expect(splitSecret(joined.with(0, kind))).toBeUndefined()
    }
    const [first] = secrets as [WalletSecret]
    for (const bytes of [0, 15, 17, 31, 33, 64]) expect(splitSecret(joinSecret({ ...first, entropy: new Uint8Array(bytes) } as WalletSecret))).toBeUndefined()
    expect(splitSecret(new Uint8Array())).toBeUndefined()
  })
})

describe('entropy', () => {
  const source = (bytes: Uint8Array, theirs: Uint8Array) => {
    const nsm = { random: async () => Uint8Array.from(bytes) } as never
    const dataKeys = { random: async (length: number) => theirs.slice(0, length) } as unknown as DataKeys
    return (length: 16 | 32) => walletEntropy(nsm, dataKeys, length)
  }
  const ours = new Uint8Array(256).fill(1)
  const theirs = new Uint8Array(64).fill(2)

  test('neither source alone decides', async () => {
    const made = await Promise.all([source(ours, theirs), source(flipped(ours, 63), theirs), source(ours, flipped(theirs, 63))].map((make) => make(32)))
    expect(new Set(made.map(toHex)).size).toBe(3)
    expect(made[0]).toHaveLength(32)
    expect(await source(ours, theirs)(16)).toHaveLength(16)
  })

  test('rejects a device that gives too little', async () => {
    await expect(source(ours.slice(0, 63), theirs)(32)).rejects.toThrow('too few')
  })
})

const receipts = { privateKey: new Uint8Array(32), publicKey: new Uint8Array(64), storageKey: new Uint8Array(32), count: 2, head: new Uint8Array(32), tail: [new Uint8Array(9)] }
const factor: Factor = { secret: new Uint8Array(20), lastStep: 7, lastRequest: new Uint8Array(16), operations: ['sign', 'export'], confirmed: true }
const pendingExport = { what: 'privateKey', path: "m/44'/60'/0'/0/0", readyAtMs: 9 } as const
const state: WalletState = {
  argon2: { salt: new Uint8Array(16), ...ARGON2 }, kind: 'mnemonic', label: 'mine', permissions: NO_PERMISSIONS,
  accounts: [{ namespace: 'eip155', path: "m/44'/60'/0'/0/0", address: '0x00', publicKey: new Uint8Array(33), chainCode: null }],
  fingerprint: new Uint8Array(32), createdAtMs: 5, idempotencyKey: new Uint8Array(32).fill(4),
  recent: [{ key: new Uint8Array(16), content: new Uint8Array(32), atMs: 6 }], seedDigest: new Uint8Array(32),
  recoverySeal: new Uint8Array(48), recoveryKey: new Uint8Array(32), recoveryMadeAtMs: 3, factor, export: pendingExport, goneAtMs: 8, receipts,
}
const bare: WalletState = { ...state, label: '', accounts: [], recent: [], recoverySeal: null, recoveryKey: null, recoveryMadeAtMs: null, factor: null, export: null, goneAtMs: null, receipts: { ...receipts, count: 0, tail: [] } }

describe('the state', () => {
  test('reads what it wrote', () => {
    for (const one of [state, bare]) expect(decodeState(encodeState(one))).toEqual(one)
  })

  const fields = decodeCbor(encodeState(state)) as Record<string, CborValue>
  test.each(Object.keys(fields).map((name) => [name] as const))('rejects one without %s, or with another kind of it', (name) => {
    const { [name]: _left, ...rest } = fields
    expect(decodeState(encodeCbor(rest))).toBeUndefined()
    expect(decodeState(encodeCbor({ ...fields, [name]: true }))).toBeUndefined()
    expect(decodeState(encodeCbor({ ...fields, [name]: new Uint8Array(31) }))).toBeUndefined()
    if (!['recoverySeal', 'recoveryKey', 'recoveryMadeAt', 'factor', 'export', 'goneAt'].includes(name)) expect(decodeState(encodeCbor({ ...fields, [name]: null }))).toBeUndefined()
  })

  test('rejects what is out of bounds, unknown, or follows', () => {
    const argon2 = fields['argon2'] as Record<string, CborValue>
    for (const change of [{ salt: new Uint8Array(15) }, { memoryKiB: 7 }, { memoryKiB: 2 ** 21 }, { iterations: 0 }, { parallelism: 17 }, { more: 1 }]) {
      expect(decodeState(encodeCbor({ ...fields, argon2: { ...argon2, ...change } as CborValue }))).toBeUndefined()
    }
    const changed = (name: string, changes: readonly Record<string, CborValue>[]): void => {
      for (const change of changes) expect(decodeState(encodeCbor({ ...fields, [name]: { ...(fields[name] as Record<string, CborValue>), ...change } }))).toBeUndefined()
    }
    changed('factor', [{ secret: new Uint8Array(19) }, { lastStep: -1 }, { operations: ['burn'] }, { confirmed: 1 }, { more: 1 }])
    changed('export', [{ what: 'all' }, { path: '44' }, { readyAt: -1 }, { more: 1 }])
    changed('permissions', [{ exportable: 1 }, { rawHash: null }, { more: true }])
    changed('receipts', [
      { privateKey: new Uint8Array(31) }, { publicKey: new Uint8Array(65) }, { storageKey: new Uint8Array(16) }, { count: -1 }, { head: new Uint8Array(31) },
      { tail: Array.from({ length: 65 }, () => new Uint8Array(1)) }, { tail: [new Uint8Array()] }, { more: 1 },
    ])
    for (const label of ['a'.repeat(65), 'a\nb', 'a\u202eb']) expect(decodeState(encodeCbor({ ...fields, label }))).toBeUndefined()
    for (const recoverySeal of [new Uint8Array(47), new Uint8Array(1025)]) expect(decodeState(encodeCbor({ ...fields, recoverySeal }))).toBeUndefined()
    expect(decodeState(encodeCbor({ ...fields, kind: 'wif' }))).toBeUndefined()
    expect(decodeState(encodeCbor({ ...fields, more: 1 }))).toBeUndefined()
    expect(decodeState(Uint8Array.of(...encodeState(state), 0))).toBeUndefined()
    expect(decodeState(new Uint8Array())).toBeUndefined()
  })
})

function vaultOf(): Vault & { readonly opened: number } {
  const keys = new Map<string, Uint8Array>()
  let opened = 0
  return {
    argon2id: createTestArgon2(),
    kmsKeyArn: 'arn',
    get opened() {
      return opened
    },
    dataKeys: {
      async generate(owner, wallet) {
        const [plaintext, ciphertext] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(8))]
        keys.set(`${owner}${wallet}${toHex(ciphertext)}`, plaintext.slice())
        return { plaintext, ciphertext }
      },
      async open(ciphertext, owner, wallet) {
        opened += 1
        return (keys.get(`${owner}${wallet}${toHex(ciphertext)}`) as Uint8Array).slice()
      },
      random: async (length) => new Uint8Array(length),
    },
  }
}

describe('wrap and unlock', () => {
  const at = { owner: 'user#demo#x#alice', wallet: '0f9b0a52-3c57-4a5e-9a3c-2a4f6a3f1b11', version: 7, createdAtMs: 5 }
  const secret = new Uint8Array(80).fill(8)
  const { argon2: _argon2, seedDigest: _digest, recoverySeal: _seal, ...sealed } = state
  const content: WalletContent = { ...sealed, recoveryKey: null, goneAtMs: null }

  test('the right PIN opens, another does not, and both leave the record as it is', async () => {
    const vault = vaultOf()
    const record = await wrap(vault, at, content, secret, await hashPin(vault, utf8('right'), new Uint8Array(32).fill(4)))
    expect(record).toMatchObject({ ...at, format: 1, spent: 0, lockedUntilMs: 0, wrongMs: [], expiresAtSec: 0 })
    const opened = await openRecord(vault, record)
    expect(opened.state).toMatchObject({ ...content, recoverySeal: null })
    expect((await openSeed(vault, opened, utf8('right')))?.secret).toEqual(secret)
    expect(await openSeed(vault, opened, utf8('Right'))).toBeUndefined()
    expect(await openSeed(vault, opened, utf8(''))).toBeUndefined()
  })

  test('a recovery key seals the secret once more, to its code and this version alone', async () => {
    const vault = vaultOf()
    const code = new Uint8Array(16).fill(6)
    const record = await wrap(vault, at, { ...content, recoveryKey: await recoveryPublicKey(code) }, secret, await hashPin(vault, utf8('right'), new Uint8Array(32).fill(4)))
    const opened = await openRecord(vault, record)
    const unlocked = await openRecovery(vault, opened, code, utf8('newer'))
    expect(unlocked?.secret).toEqual(secret)
    expect(unlocked?.pinHash.setting.salt).not.toEqual(opened.state.argon2.salt)
    expect(await openRecovery(vault, opened, flipped(code), utf8('newer'))).toBeUndefined()
    expect(await openRecovery(vault, { ...opened, record: { ...record, version: at.version + 1 } }, code, utf8('newer'))).toBeUndefined()
    expect(await codeFrom(openRecovery(vault, { ...opened, state: { ...opened.state, recoverySeal: null } }, code, utf8('newer')))).toBe('recovery_off')
  })

  test('the table may forget a deleted wallet some time after it is gone, never before', async () => {
    const vault = vaultOf()
    const { expiresAtSec } = await wrap(vault, at, { ...content, goneAtMs: 1_000_001 }, secret, await hashPin(vault, utf8('right'), new Uint8Array(32).fill(4)))
    expect(expiresAtSec).toBe(1001 + 3600)
  })

  test('rejects a seed that was sealed another time, before any PIN is tried', async () => {
    const vault = vaultOf()
    const pinHash = await hashPin(vault, utf8('right'), new Uint8Array(32).fill(4))
    const [one, two] = [await wrap(vault, at, content, secret, pinHash), await wrap(vault, at, content, secret, pinHash)]
    expect(await codeFrom(openRecord(vault, { ...one, seed: two.seed }))).toBe('record_invalid')
  })

  test('a data key that went wrong on the way is noticed before anything is stored', async () => {
    const vault = vaultOf()
    let calls = 0
    const broken: Vault = {
      ...vault,
      dataKeys: {
        ...vault.dataKeys,
        async generate(...of) {
          calls += 1
          const made = await vault.dataKeys.generate(...of)
          return { ...made, plaintext: new Proxy(made.plaintext, {}) } // not even bytes
        },
      },
    }
    await expect(wrap(broken, at, content, secret, await hashPin(vault, utf8('right'), new Uint8Array(32).fill(4)))).rejects.toThrow()
    expect(calls).toBe(1)
  })
})

const body: RequestBody = {
  op: 'sign', wallet: 'w', request: new Uint8Array(16), issuedAtMs: 1, idempotency: new Uint8Array(16).fill(1), token: new Uint8Array(32), proof: null,
  pin: utf8('1234'), otp: null, parameters: { a: 1 },
}

describe('idempotency', () => {
  const HOUR = 3_600_000
  const empty = { ...state, recent: [] }

  test('knows what was done, refuses the key for something else, and lets others pass', () => {
    const done = { ...empty, recent: remember(empty, body, 10) }
    expect(isRepeat(done, body, 20)).toBe(true)
    expect(isRepeat(done, { ...body, idempotency: new Uint8Array(16) }, 20)).toBe(false)
    for (const change of [{ parameters: { a: 2 } }, { op: 'create' }, { wallet: 'v' }] as Partial<RequestBody>[]) {
      expect(codeOf(() => isRepeat(done, { ...body, ...change }, 20))).toBe('idempotency_mismatch')
    }
  })

  test('a repeat is one whatever else of it is new: request id, time, token, PIN, one-time code', () => {
    const again = { ...body, request: new Uint8Array(16).fill(9), issuedAtMs: 99, token: new Uint8Array(32).fill(9), pin: utf8('9999'), otp: utf8('123456') }
    expect(isRepeat({ ...empty, recent: remember(empty, body, 10) }, again, 20)).toBe(true)
  })

  test('the hash is keyed, and tells op, wallet and parameters apart', () => {
    const hashes = [
      contentHash(state.idempotencyKey, body), contentHash(new Uint8Array(32), body), contentHash(state.idempotencyKey, { ...body, op: 'view' }),
      contentHash(state.idempotencyKey, { ...body, wallet: 'ww' }), contentHash(state.idempotencyKey, { ...body, parameters: {} }),
    ]
    expect(new Set(hashes.map(toHex)).size).toBe(hashes.length)
    expect(contentHash(state.idempotencyKey, body)).not.toEqual(new Uint8Array(createHash('sha256').update(encodeCbor(body.parameters)).digest()))
  })

  test('remembers 64 for a day, the last last; the same key once', () => {
    let recent = empty.recent as WalletState['recent']
    const keyed = (n: number): RequestBody => ({ ...body, idempotency: new Uint8Array(16).fill(n) })
    for (let n = 0; n < 100; n++) recent = remember({ ...empty, recent }, keyed(n), n)
    expect(recent).toHaveLength(64)
    expect(recent.at(-1)?.key).toEqual(keyed(99).idempotency)
    expect(isRepeat({ ...empty, recent }, keyed(36), 200)).toBe(true)
    expect(isRepeat({ ...empty, recent }, keyed(35), 200)).toBe(false)
    const again = remember({ ...empty, recent }, keyed(50), 200)
    expect(again.filter((entry) => entry.key[0] === 50)).toEqual([{ ...again.at(-1), atMs: 50 }])
    expect(remember({ ...empty, recent: again }, keyed(1), 24 * HOUR + 98)).toHaveLength(2)
  })
})

test('whatever is sealed comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (plaintext, some) => {
      expect(open(Uint8Array.from(some), seal(Uint8Array.from(some), Uint8Array.from(plaintext), binding, 'state'), binding, 'state')).toEqual(Uint8Array.from(plaintext))
    }),
  )
})
