/** KMS keys on disk: one JSON file a key, mode 0600, replaced whole. Rotation adds a version; what older ones sealed still opens. */
import { randomBytes, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePolicy, type Policy } from '../iam/policy.ts'
import { listJson, readJson, writeJson } from '../state.ts'

type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

export interface KmsKey {
  readonly keyId: string
  readonly arn: string
  readonly description: string
  readonly createdMs: number
  readonly state: KeyState
  /** When a scheduled deletion takes effect; null without one. */
  readonly deletionMs: number | null
  /** Policy document as it was put, JSON text. */
  readonly policyText: string
  readonly policy: Policy
  /** AES-256 keys, the current one last; a version's number is its index. */
  readonly materials: readonly Uint8Array[]
}

type StoredKey = Omit<KmsKey, 'policy' | 'materials'> & { readonly materialsBase64: readonly string[] }

export interface KeyStore {
  /** By key id or ARN. A key whose deletion is due is gone. */
  find(idOrArn: string): KmsKey | undefined
  list(): KmsKey[]
  create(policyText: string, description: string): Promise<KmsKey>
  /** Replaces some of a key's properties, on disk first. */
  update(keyId: string, properties: Partial<Pick<KmsKey, 'state' | 'deletionMs' | 'policyText'>>): Promise<KmsKey>
  rotate(keyId: string): Promise<KmsKey>
}

interface KeyStoreOptions {
  readonly dir: string
  readonly region: string
  readonly accountId: string
  readonly nowMs: () => number
}

export async function openKeyStore({ dir, region, accountId, nowMs }: KeyStoreOptions): Promise<KeyStore> {
  const keys = new Map<string, KmsKey>()
  for (const file of await listJson(dir)) {
    const key = fromStored((await readJson(file)) as StoredKey)
    // What was deleted is not kept: its material goes from the disk at the next start.
    if (isDue(key, nowMs())) await rm(file)
    else keys.set(key.keyId, key)
  }
  const prefix = `arn:aws:kms:${region}:${accountId}:key/`
  const find = (idOrArn: string): KmsKey | undefined => {
    const key = keys.get(idOrArn.startsWith(prefix) ? idOrArn.slice(prefix.length) : idOrArn)
    return key === undefined || isDue(key, nowMs()) ? undefined : key
  }
  const save = async (key: KmsKey): Promise<KmsKey> => {
    await writeJson(join(dir, `${key.keyId}.json`), toStored(key))
    keys.set(key.keyId, key)
    return key
  }
  // One change after the other: each starts from what the last one left.
  let last: Promise<unknown> = Promise.resolve()
  const change = (keyId: string, edit: (key: KmsKey) => KmsKey): Promise<KmsKey> => {
    const next = last.then(() => {
      const key = find(keyId)
      if (key === undefined) throw new Error('no such key')
      return save(edit(key))
    })
    last = next.catch(() => undefined)
    return next
  }
  return {
    find,
    list: () => [...keys.values()].filter(({ keyId }) => find(keyId) !== undefined),
    create: (policyText, description) => {
      const keyId = randomUUID()
      const policy = parsePolicy(policyText, 'resource')
      return save({
        keyId, arn: prefix + keyId, description, createdMs: nowMs(), state: 'Enabled', deletionMs: null,
        policyText, policy, materials: [randomBytes(32)],
      })
    },
    update: (keyId, properties) => change(keyId, (key) => {
      const changed = { ...key, ...properties }
      return { ...changed, policy: parsePolicy(changed.policyText, 'resource') }
    }),
    rotate: (keyId) => change(keyId, (key) => ({ ...key, materials: [...key.materials, randomBytes(32)] })),
  }
}

function isDue({ deletionMs }: KmsKey, nowMs: number): boolean {
  return deletionMs !== null && nowMs >= deletionMs
}

function toStored({ materials, policy: _parsed, ...rest }: KmsKey): StoredKey {
  return { ...rest, materialsBase64: materials.map((material) => Buffer.from(material).toString('base64')) }
}

function fromStored({ materialsBase64, ...rest }: StoredKey): KmsKey {
  const materials = materialsBase64.map((text) => new Uint8Array(Buffer.from(text, 'base64')))
  if (materials.length === 0 || materials.some(({ length }) => length !== 32)) throw new Error('a key file is damaged')
  return { ...rest, policy: parsePolicy(rest.policyText, 'resource'), materials }
}
