/** A hundred signatures through a real relay and a real enclave, and every secret that they touched. */
import { createParameters } from './core-client.ts'
import { randomBytes } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { issuerHash } from '../../lib/tokens/owner.ts'
import { decodeRecord, type WalletRecord } from '../../lib/protocol/record.ts'
import type { Cloud } from './cloud.ts'
import { childrenOf } from './memory-image.ts'
import { versionSecrets, walletSecrets } from './memory-secrets.ts'
import type { Secret } from './memory-search.ts'
import { operatorTable } from './operator-table.ts'
import { rawCall } from './raw-client.ts'
import { PATH, signParameters, transfer } from './transactions.ts'

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Process ids of the relay and of the enclave itself. */
export async function processes(cloud: Cloud): Promise<{ readonly relay: number; readonly enclave: number }> {
  const relay = (await childrenOf(process.pid)).find(({ command }) => command.includes('serverless.js'))
  const launcher = cloud.stack.services.enclaves[0]?.pid ?? -1
  const enclave = (await childrenOf(launcher)).find(({ command }) => command.includes('enclave.mjs'))
  if (relay === undefined || enclave === undefined) throw new Error('no relay or no enclave to look into')
  return { relay: relay.pid, enclave: enclave.pid }
}

/**
 * Creates a wallet and signs.
 * @param during called while a signature is under way, with every secret that is known by then
 * @returns every secret
 */
export async function signAndLearn(
  cloud: Cloud,
  user: string,
  signatures: number,
  during: (index: number, known: readonly Secret[]) => Promise<void>,
): Promise<readonly Secret[]> {
  // Long and random, so that a hit means something.
  const pin = randomBytes(24).toString('base64')
  const who = await cloud.logIn(user)
  const wallet = crypto.randomUUID()
  const table = operatorTable(cloud.stack)
  const owner = `user#demo#${issuerHash(cloud.stack.issuerUrl)}#${user}`
  const created = await rawCall(cloud, who, { op: 'create', wallet, pin, parameters: createParameters() })
  if (created.http.status !== 201) throw new Error('the wallet was not created')
  const { secrets, pinHash } = await walletSecrets(cloud.stack, await recordOf(table, owner, wallet), pin, PATH)
  const account = secrets.find(({ kind }) => kind === 'account private key') as Secret
  const known = [...secrets, ...(await versionSecrets(cloud.stack, await recordOf(table, owner, wallet), pinHash))]
  for (let i = 0; i < signatures; i++) {
    const transaction = transfer(i)
    const sign = (): ReturnType<typeof rawCall> => rawCall(cloud, who, { op: 'sign', wallet, pin, parameters: signParameters(transaction) })
    // A relay that was stopped to be looked into has closed the connections that were kept open: whatever was sent over one was not read.
    const [answer] = await Promise.all([sign().catch(sign), during(i, known)])
    if (answer.sealed?.ok !== true) throw new Error('the signature was refused')
    known.push(...noncesOf(keccak_256(transaction), account.bytes, `signature ${i}`))
    known.push(...(await versionSecrets(cloud.stack, await recordOf(table, owner, wallet), pinHash)))
  }
  return known
}

/** A signature's k, which gives the private key away: s⁻¹(z + r·d) mod n, or its negative where s was lowered. RFC 6979: ours is the enclave's. */
function noncesOf(digest: Uint8Array, privateKey: Uint8Array, label: string): readonly Secret[] {
  const signature = secp256k1.sign(digest, privateKey, { prehash: false })
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32, 64))]
  const k = (power(s, N - 2n) * (number(digest) + r * number(privateKey))) % N
  return [k, N - k].map((value) => ({ kind: 'signature nonce', label, bytes: Buffer.from(value.toString(16).padStart(64, '0'), 'hex'), scalar: true }))
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let [square, rest] = [base, exponent]; rest > 0n; [square, rest] = [(square * square) % N, rest >> 1n]) if (rest & 1n) result = (result * square) % N
  return result
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
