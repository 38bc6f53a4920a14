/** Where the client key is kept between page loads. What is kept can sign, and can't be read out. */
import type { ClientKey } from './client-key.ts'

export interface KeyStore {
  /** The key kept under a name. */
  load(name: string): Promise<ClientKey | undefined>
  /** Keeps a key unless there is one already (another tab was quicker), and returns the one that is kept. */
  keep(name: string, key: ClientKey): Promise<ClientKey>
  remove(name: string): Promise<void>
}

/** Forgets with the process; for Node, edge runtimes, and tests. */
export function memoryKeyStore(): KeyStore {
  const keys = new Map<string, ClientKey>()
  return {
    load: async (name) => keys.get(name),
    async keep(name, key) {
      const kept = keys.get(name) ?? key
      keys.set(name, kept)
      return kept
    },
    remove: async (name) => void keys.delete(name),
  }
}

const STORE = 'keys'

/** Browsers: a `CryptoKey` is stored as a handle; no script, this one included, sees its bytes. */
export function indexedDbKeyStore({ database = 'cloister', factory = indexedDB }: { readonly database?: string; readonly factory?: IDBFactory } = {}): KeyStore {
  async function use<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opening = factory.open(database, 1)
    opening.addEventListener('upgradeneeded', () => void opening.result.createObjectStore(STORE))
    const db = await done(opening)
    try {
      return await done(run(db.transaction(STORE, mode).objectStore(STORE)))
    } finally {
      db.close()
    }
  }
  const load = async (name: string): Promise<ClientKey | undefined> => (await use('readonly', (store) => store.get(name))) as ClientKey | undefined
  return {
    load,
    async keep(name, key) {
      // `add` fails where there is one: two tabs that start together end with the same key.
      const isNew = await use('readwrite', (store) => store.add(key, name)).then(() => true, () => false)
      const kept = isNew ? key : await load(name)
      if (kept === undefined) throw new Error('the client key can not be stored')
      return kept
    },
    remove: (name) => use('readwrite', (store) => store.delete(name)),
  }
}

/** IndexedDB where there is one, else memory. */
export function defaultKeyStore(): KeyStore {
  return typeof indexedDB === 'undefined' ? memoryKeyStore() : indexedDbKeyStore()
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')))
  })
}
