/** A hundred signatures through a real relay and a real enclave, and every secret that they touched. */
import { randomBytes } from 'node:crypto'
import { publicKeyOf, withPrivateKey } from '../../enclave-sim/core/hd.ts'
import { chainOf } from '../../lib/chains/registry.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { encodeAccountNames } from '../../lib/protocol/lifecycle.ts'
import { encodeSignParameters, NO_PERMISSIONS, type Payload } from '../../lib/protocol/operations.ts'
import { decodeRecord, type WalletRecord } from '../../lib/protocol/record.ts'
import { issuerHash } from '../../lib/tokens/owner.ts'
import type { Cloud } from './cloud.ts'
import { createParameters } from './core-client.ts'
import { childrenOf } from './memory-image.ts'
import { secretsOfSignature } from './memory-nonces.ts'
import type { Secret } from './memory-search.ts'
import { versionSecrets, walletSecrets, type WalletAccount } from './memory-secrets.ts'
import { operatorTable } from './operator-table.ts'
import { rawCall } from './raw-client.ts'
import { CHAIN, PATH, transfer } from './transactions.ts'

/** Process ids of the relay and of the enclave itself. */
export async function processes(cloud: Cloud): Promise<{ readonly relay: number; readonly enclave: number }> {
  const relay = (await childrenOf(process.pid)).find(({ command }) => command.includes('serverless.js'))
  const launcher = cloud.stack.services.enclaves[0]?.pid ?? -1
  const enclave = (await childrenOf(launcher)).find(({ command }) => command.includes('enclave.mjs'))
  if (relay === undefined || enclave === undefined) throw new Error('no relay or no enclave to look into')
  return { relay: relay.pid, enclave: enclave.pid }
}

/** What is signed, in turn: ECDSA, Schnorr, Ed25519. */
const ACCOUNTS = [
  { chain: CHAIN, path: PATH, kind: 'transaction', curve: 'secp256k1' },
  { chain: 'bip122:000000000019d6689c085ae165831e93', path: "m/86'/0'/0'", key: "m/86'/0'/0'/0/0", kind: 'message', curve: 'secp256k1' },
  { chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', path: "m/44'/501'/0'/0'", kind: 'message', curve: 'ed25519' },
] as const satisfies readonly WalletAccount[]

/** When the memory is looked into, each time with every secret that is known by then. */
export interface Watch {
  /** While a signature is under way. */
  during(index: number, known: readonly Secret[]): Promise<void>
  /** Once an answer is there: `create`, or the number of the signature. */
  after(what: 'create' | number, known: readonly Secret[]): Promise<void>
}

/**
 * Creates a wallet, gives it an account, and signs on three chains in turn.
 * @returns every secret
 */
export async function signAndLearn(cloud: Cloud, user: string, signatures: number, watch: Watch): Promise<readonly Secret[]> {
  // Long and random, so that a hit means something.
  const pin = randomBytes(24).toString('base64')
  const who = await cloud.logIn(user)
  const wallet = crypto.randomUUID()
  const table = operatorTable(cloud.stack)
  const owner = `user#demo#${issuerHash(cloud.stack.issuerUrl)}#${user}`
  const call = async (op: 'create' | 'addAccounts' | 'sign', parameters: CborValue): Promise<void> => {
    const once = (): ReturnType<typeof rawCall> => rawCall(cloud, who, { op, wallet, pin, parameters })
    // A relay that was stopped to be looked into has closed the connections that were kept open: whatever was sent over one was not read.
    const { sealed } = await once().catch(once)
    if (sealed?.ok !== true) throw new Error(`${op} was refused`)
  }
  await call('create', createParameters())
  const first = await recordOf(table, owner, wallet)
  const { secrets, pinHash, seed } = await walletSecrets(cloud.stack, first, pin, ACCOUNTS)
  const known = [...secrets, ...(await versionSecrets(cloud.stack, first, pinHash))]
  await watch.after('create', known)
  await call('addAccounts', encodeAccountNames([{ namespace: 'bip122', path: ACCOUNTS[1].path }]))
  known.push(...(await versionSecrets(cloud.stack, await recordOf(table, owner, wallet), pinHash)))
  for (let i = 0; i < signatures; i++) {
    const account = ACCOUNTS[i % ACCOUNTS.length] as WalletAccount
    const data = account.kind === 'transaction' ? transfer(i) : utf8(`message ${i}`)
    const payload = { chain: account.chain, path: account.path, kind: account.kind, data, context: null, summary: null }
    await Promise.all([call('sign', encodeSignParameters({ payloads: [payload] })), watch.during(i, known)])
    known.push(...(await versionSecrets(cloud.stack, await recordOf(table, owner, wallet), pinHash)))
    known.push(...signatureSecrets(seed, account, payload, `signature ${i}`))
    await watch.after(i, known)
  }
  return known
}

function signatureSecrets(seed: Uint8Array, wallet: WalletAccount, payload: Payload, label: string): readonly Secret[] {
  const chain = chainOf(payload.chain)
  const account = withPrivateKey(seed, wallet.curve, wallet.path, ({ privateKey, chainCode }) => {
    const key = { path: wallet.path, publicKey: publicKeyOf(wallet.curve, privateKey), chainCode: chain.derivesBelow(wallet.path) ? chainCode.slice() : null }
    return { namespace: chain.namespace, ...key, address: chain.address(key) }
  })
  const { tasks } = chain.read(payload).plan({ account, accounts: [account], permissions: NO_PERMISSIONS })
  return tasks.flatMap((task) => withPrivateKey(seed, wallet.curve, task.path, ({ privateKey }) => secretsOfSignature(task, privateKey.slice(), label)))
}

async function recordOf(table: ReturnType<typeof operatorTable>, owner: string, wallet: string): Promise<WalletRecord> {
  const item = await table.get(owner, wallet)
  const record = decodeRecord({
    format: Number(item['format']?.N), owner, wallet, version: Number(item['version']?.N),
    dataKey: item['dataKey']?.B, state: item['state']?.B, seed: item['seed']?.B, spent: Number(item['spent']?.N),
    lockedUntilMs: Number(item['lockedUntil']?.N), wrongMs: (item['wrong']?.NS ?? []).map(Number), createdAtMs: Number(item['createdAt']?.N), expiresAtSec: Number(item['expiresAtSec']?.N ?? 0),
  })
  if (record === undefined) throw new Error('no record')
  return record
}
