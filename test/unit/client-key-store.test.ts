/** Key stores: memory, and IndexedDB over a stand-in that clones as browsers do, and fails as they do. */
import { createClientKey } from '../../client/client-key.ts'
import { defaultKeyStore, indexedDbKeyStore, memoryKeyStore } from '../../client/key-store.ts'

/** As much of IndexedDB as is used: one database, requests that answer later, `add` that fails on a taken name. */
function fakeIndexedDb() {
  const stores = new Map<string, Map<IDBValidKey, unknown>>()
  const opened = { count: 0, closed: 0 }
  const later = <T>(run: () => T, before: (request: EventTarget & { result?: T; error?: unknown }) => void = () => undefined) => {
    const request: EventTarget & { result?: T; error?: unknown } = new EventTarget()
    queueMicrotask(() => {
      try {
        request.result = run()
        before(request)
        request.dispatchEvent(new Event('success'))
      } catch (error) {
        request.error = error
        request.dispatchEvent(new Event('error'))
      }
    })
    return request
  }
  const database = {
    createObjectStore: (name: string) => void stores.set(name, new Map()),
    transaction: () => ({
      objectStore(name: string) {
        const items = stores.get(name)
        if (items === undefined) throw new DOMException('no such store', 'NotFoundError')
        return {
          get: (key: IDBValidKey) => later(() => structuredClone(items.get(key))),
          add: (value: unknown, key: IDBValidKey) =>
            later(() => {
              if (items.has(key)) throw new DOMException('taken', 'ConstraintError')
              items.set(key, structuredClone(value))
              return key
            }),
          delete: (key: IDBValidKey) => later(() => void items.delete(key)),
        }
      },
    }),
    close: () => void (opened.closed += 1),
  }
  const open = () => {
    opened.count += 1
    return later(() => database, (request) => {
      if (stores.size === 0) request.dispatchEvent(new Event('upgradeneeded'))
    })
  }
  return { factory: { open } as unknown as IDBFactory, opened }
}

test.each([
  ['memory', () => memoryKeyStore()],
  ['IndexedDB', () => indexedDbKeyStore({ factory: fakeIndexedDb().factory })],
])('%s: keeps the first, gives it back, signs with it, and forgets it', async (_name, make) => {
  const store = make()
  expect(await store.load('app')).toBeUndefined()
  const [first, second] = [await createClientKey(), await createClientKey()]
  expect(await store.keep('app', first)).toMatchObject({ x: first.x })
  expect(await store.keep('app', second)).toMatchObject({ x: first.x, random: first.random })
  expect(await store.load('another')).toBeUndefined()
  const loaded = await store.load('app')
  expect(loaded).toMatchObject({ x: first.x, y: first.y, random: first.random })
  expect(loaded?.privateKey.extractable).toBe(false)
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, (loaded ?? second).privateKey, Uint8Array.of(1))
  const point = Uint8Array.of(4, ...first.x, ...first.y)
  const publicKey = await crypto.subtle.importKey('raw', point, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
  expect(await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, signature, Uint8Array.of(1))).toBe(true)
  await store.remove('app')
  expect(await store.load('app')).toBeUndefined()
})

test('a page that is loaded again finds the key; every connection is closed', async () => {
  const { factory, opened } = fakeIndexedDb()
  const key = await createClientKey()
  await indexedDbKeyStore({ factory }).keep('app', key)
  expect((await indexedDbKeyStore({ factory }).load('app'))?.x).toEqual(key.x)
  expect(opened.closed).toBe(opened.count)
})

test('a store that takes nothing says so', async () => {
  const factory = { open: () => { throw new DOMException('blocked', 'SecurityError') } } as unknown as IDBFactory
  await expect(indexedDbKeyStore({ factory }).load('app')).rejects.toMatchObject({ name: 'SecurityError' })
  await expect(indexedDbKeyStore({ factory }).keep('app', await createClientKey())).rejects.toMatchObject({ name: 'SecurityError' })
})

test('where there is no IndexedDB, each connection has its own memory', async () => {
  const key = await createClientKey()
  await defaultKeyStore().keep('app', key)
  expect(await defaultKeyStore().load('app')).toBeUndefined()
})
