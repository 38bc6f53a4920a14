/** Nothing leaks: every log, every byte on the relay's sockets and the whole database, searched for what only app and enclave may see. */
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HDKey } from '@scure/bip32'
import { mnemonicBytes } from '../../enclave-sim/core/mnemonic.ts'
import { openRecord, openSeed, type Vault } from '../../enclave-sim/core/unlock.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { openCiphertext } from '../support/kms-operator.ts'
import { decodeRecord, type WalletRecord } from '../../lib/protocol/record.ts'
import { formatRecoveryCode } from '../../lib/protocol/recovery-code.ts'
import { splitSecret } from '../../lib/protocol/wallet-secret.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'
import { findLeaks } from '../support/leaks.ts'
import { operatorTable } from '../support/operator-table.ts'
import { CHAIN, PATH, transfer } from '../support/transactions.ts'

const PIN = 'correct horse 493817 battery'
const LABEL = 'Savings of Alice'
const WRONG = 'wrong horse 271828 staple'
let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud({}, { tap: true })
}, 60_000)
afterAll(() => cloud?.close())

/** With everything that no single party has: KMS's own keys, the record, and the PIN. */
async function openEverything(record: WalletRecord): Promise<Record<string, Uint8Array>> {
  const dataKey = await openCiphertext(cloud.stack, record)
  const vault: Vault = {
    kmsKeyArn: cloud.stack.keyArn,
    argon2id,
    dataKeys: { open: async () => dataKey.slice(), generate: () => Promise.reject(new Error('unused')), random: () => Promise.reject(new Error('unused')) },
  }
  const opened = await openRecord(vault, record)
  const { idempotencyKey, receipts } = opened.state
  const unlocked = await openSeed(vault, opened, Buffer.from(PIN))
  if (unlocked === undefined) throw new Error('the PIN does not open the record')
  const secret = splitSecret(unlocked.secret)
  if (secret?.kind !== 'mnemonic') throw new Error('the record holds no mnemonic')
  const { entropy, seed } = secret
  const words = Buffer.from(mnemonicBytes(entropy)).toString().split(' ')
  return {
    'data key': dataKey,
    entropy: entropy.slice(),
    seed: seed.slice(),
    mnemonic: Buffer.from(words.slice(0, 4).join(' ')),
    'private key': HDKey.fromMasterSeed(seed).derive(PATH).privateKey as Uint8Array,
    'PIN hash': unlocked.pinHash.bytes.slice(),
    'idempotency key': idempotencyKey,
    'receipt key': receipts.privateKey,
    'key of stored receipts': receipts.storageKey,
  }
}

async function readTable(): Promise<{ records: WalletRecord[]; bytes: Buffer }> {
  const items = await operatorTable(cloud.stack).scan()
  const bytes = Buffer.concat(items.flatMap((item) => Object.values(item).map((value) => Buffer.from((value.B ?? value.S ?? value.N ?? JSON.stringify(value)) as string))))
  const wallets = items.filter((item) => item['item']?.S?.startsWith('wallet#'))
  const records = wallets.map((item) =>
    decodeRecord({
      format: Number(item['format']?.N), owner: item['owner']?.S, wallet: item['item']?.S?.slice('wallet#'.length), version: Number(item['version']?.N),
      dataKey: item['dataKey']?.B, state: item['state']?.B, seed: item['seed']?.B, spent: Number(item['spent']?.N),
      lockedUntilMs: Number(item['lockedUntil']?.N), wrongMs: (item['wrong']?.NS ?? []).map(Number), createdAtMs: Number(item['createdAt']?.N),
      expiresAtSec: Number(item['expiresAtSec']?.N ?? 0),
    }),
  )
  return { records: records as WalletRecord[], bytes }
}

async function haystacks(): Promise<Record<string, Buffer>> {
  const disk = join(cloud.stateDir, 'dynamodb')
  const files = await readdir(disk, { recursive: true, withFileTypes: true })
  const contents = files.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name)))
  return {
    'the relay’s sockets': await readFile(cloud.tapFile),
    'the relay’s log': await readFile(cloud.logFile),
    'the KMS audit log': await readFile(join(cloud.stateDir, 'kms-audit.jsonl')),
    'the table': (await readTable()).bytes,
    'the table on disk': Buffer.concat(await Promise.all(contents)),
  }
}

test('PIN, mnemonic, seed, private key, data keys and transactions are in no log, on no socket of the relay, nowhere in the database', async () => {
  const cloister = await cloud.connect('alice')
  const wallet = await cloister.wallets.create({ pin: PIN, label: LABEL })
  const first = await readTable()
  const transaction = transfer(3, { value: 123456789123456789n })
  const { signed, hash } = await wallet.signTransaction({ chain: CHAIN, transaction }, { pin: PIN })
  await wallet.signTransaction({ chain: CHAIN, transaction }, { pin: WRONG }).catch(() => undefined)
  await wallet.view()
  const second = await readTable()

  const secrets: Record<string, Uint8Array> = {
    PIN: Buffer.from(PIN),
    'wrong PIN': Buffer.from(WRONG),
    transaction,
    'its value': Buffer.from((123456789123456789n).toString(16), 'hex'),
    'signed transaction': signed,
    'its hash': hash,
    'recovery code': wallet.recovery as Uint8Array,
    'recovery code as shown': Buffer.from(await formatRecoveryCode(wallet.recovery as Uint8Array)),
    label: Buffer.from(LABEL),
    ...(await openEverything(first.records[0] as WalletRecord)),
  }
  const later = await openEverything(second.records[0] as WalletRecord)
  expect(Buffer.from(later['seed'] as Uint8Array)).toEqual(Buffer.from(secrets['seed'] as Uint8Array))
  secrets['the next data key'] = later['data key'] as Uint8Array

  const places = await haystacks()
  // The tap works, or the search would find nothing whatever happened.
  expect(places['the relay’s sockets']?.includes('/v1/wallets')).toBe(true)
  expect(places['the relay’s sockets']?.includes('GetItem')).toBe(true)
  expect(places['the relay’s log']?.includes('POST /v1/wallets')).toBe(true)
  expect(places['the table']?.length).toBeGreaterThan(500)
  expect(findLeaks(places, secrets)).toEqual([])

  // Leaked on purpose, each by another way: found.
  await cloud.call('GET', `/v1/enclave?nonce=${Buffer.from(secrets['private key'] as Uint8Array).toString('base64url')}`)
  await appendFile(cloud.logFile, `debug: ${Buffer.from(PIN).toString('hex')}\n`)
  const table = operatorTable(cloud.stack)
  const [item] = await table.scan()
  await table.put({ ...item, note: { S: Buffer.from(secrets['seed'] as Uint8Array).toString('base64') } })
  const leaks = findLeaks(await haystacks(), secrets)
  expect(leaks).toContain('private key in the relay’s sockets')
  expect(leaks).toContain('PIN in the relay’s log')
  expect(leaks).toContain('seed in the table')
  expect(leaks).toContain('seed in the table on disk')
})
