import { X509Certificate } from 'node:crypto'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createFaults, meetFault } from '../../local/faults.ts'
import { httpsRequest } from '../../local/https.ts'
import { listenTls, send } from '../../local/serve.ts'
import { readJson, writeJson } from '../../local/state.ts'
import { createLocalCa } from '../../local/tls.ts'
import { stateDir } from '../support/local.ts'

describe('state files', () => {
  test('are readable by their owner only, and leave nothing beside them', async () => {
    const dir = join(await stateDir(), 'sub')
    await writeJson(join(dir, 'a.json'), { a: 1 })
    await writeJson(join(dir, 'a.json'), { a: 2 })
    expect(await readJson(join(dir, 'a.json'))).toEqual({ a: 2 })
    expect(await readdir(dir)).toEqual(['a.json'])
    expect((await stat(join(dir, 'a.json'))).mode & 0o777).toBe(0o600)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
  })

  test('that are damaged are not taken for absent', async () => {
    const file = join(await stateDir(), 'a.json')
    expect(await readJson(file)).toBeUndefined()
    await writeFile(file, '{"a":')
    await expect(readJson(file)).rejects.toThrow()
  })
})

describe('the local authority', () => {
  test('survives a restart, and signs for this machine alone', async () => {
    const dir = await stateDir()
    const first = await createLocalCa({ dir })
    const second = await createLocalCa({ dir })
    expect(second.caPem).toBe(first.caPem)
    const ca = new X509Certificate(first.caPem)
    const server = new X509Certificate(second.serverOptions.cert)
    expect(ca.ca).toBe(true)
    expect(server.ca).toBe(false)
    expect(server.verify(ca.publicKey)).toBe(true)
    expect(server.checkHost('localhost')).toBe('localhost')
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(server.checkHost('example.com')).toBeUndefined()
    expect(server.checkIP('127.0.0.2')).toBeUndefined()
    expect((await stat(join(dir, 'ca.json'))).mode & 0o777).toBe(0o600)
  })

  test('is another one in another place', async () => {
    const [one, other] = [await createLocalCa({ dir: await stateDir() }), await createLocalCa({ dir: await stateDir() })]
    const server = await listenTls(0, one.serverOptions, (_request, response) => send(response, 200, {}, 'hello'))
    try {
      for (const host of ['localhost', '127.0.0.1']) {
        expect((await httpsRequest({ url: `https://${host}:${server.port}/`, ca: one.caPem })).text).toBe('hello')
      }
      await expect(httpsRequest({ url: `https://localhost:${server.port}/`, ca: other.caPem })).rejects.toThrow(/certificate/)
    } finally {
      await server.close()
    }
  })
})

test('a server that is closed drops those it never answered', async () => {
  const ca = await createLocalCa({ dir: await stateDir() })
  const server = await listenTls(0, ca.serverOptions, () => undefined)
  const hanging = httpsRequest({ url: `https://localhost:${server.port}/`, ca: ca.caPem }).then(() => 'answered', () => 'dropped')
  const silent = connect(server.port, '127.0.0.1')
  silent.on('error', () => undefined)
  await new Promise((resolve) => silent.once('connect', resolve))
  const gone = new Promise((resolve) => silent.once('close', resolve))
  await server.close()
  await server.close()
  await gone
  expect(await hanging).toBe('dropped')
})

test('faults hit what they name, as often as they say', async () => {
  const faults = createFaults()
  expect(await meetFault(faults, 'A')).toBe('none')
  Object.assign(faults, { mode: 'throttle', only: ['A'], times: 2 })
  expect([await meetFault(faults, 'B'), await meetFault(faults, 'A'), await meetFault(faults, 'A'), await meetFault(faults, 'A')])
    .toEqual(['none', 'throttle', 'throttle', 'none'])
  Object.assign(faults, { mode: 'latency', latencyMs: 1, only: undefined })
  expect(await meetFault(faults, 'A')).toBe('none')
})
