/** The enclave's HTTPS against servers that misbehave. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createAgent } from '../../enclave-sim/platform/egress.ts'
import { createHttpsPost, MAX_ANSWER_BYTES } from '../../enclave-sim/platform/https-post.ts'
import { listenTls, readBody } from '../../local/serve.ts'
import { createLocalCa, type LocalCa } from '../../local/tls.ts'
import { cleanup, stateDir } from '../support/local.ts'

let ca: LocalCa
let other: LocalCa
beforeAll(async () => {
  ca = await createLocalCa({ dir: await stateDir() })
  other = await createLocalCa({ dir: await stateDir() })
})

async function serve(listener: RequestListener): Promise<(options?: { signal?: AbortSignal; trust?: LocalCa }) => ReturnType<ReturnType<typeof createHttpsPost>>> {
  const { port, close } = await listenTls(0, ca.serverOptions, listener)
  cleanup(close)
  return ({ signal = new AbortController().signal, trust = ca } = {}) => {
    const agent = createAgent({ kind: 'direct' }, trust.caPem)
    cleanup(async () => agent.destroy())
    return createHttpsPost(agent)({ url: new URL(`https://127.0.0.1:${port}`), headers: { 'x-a': 'b' }, body: Buffer.from('body'), signal })
  }
}

test('one request, one answer', async () => {
  const seen: unknown[] = []
  const post = await serve((request, response) => {
    void echo(request, response)
  })
  async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    seen.push([request.method, request.url, request.headers['x-a'], request.headers['content-length'], body?.toString()])
    response.writeHead(418, { 'x-c': 'd' }).end('answer')
  }
  const { status, headers, body } = await post()
  expect([status, headers['x-c'], Buffer.from(body).toString()]).toEqual([418, 'd', 'answer'])
  expect(seen).toEqual([['POST', '/', 'b', '4', 'body']])
})

test('a redirect is an answer, and not followed', async () => {
  let requests = 0
  const post = await serve((request, response) => {
    requests += 1
    request.resume()
    response.writeHead(307, { location: '/other' }).end()
  })
  expect((await post()).status).toBe(307)
  expect(requests).toBe(1)
})

test('the longest answer is taken', async () => {
  const post = await serve((_request, response) => void response.end(Buffer.alloc(MAX_ANSWER_BYTES)))
  expect((await post()).body).toHaveLength(MAX_ANSWER_BYTES)
})

test.each<[string, (response: ServerResponse) => void]>([
  ['is too long', (response) => void response.end(Buffer.alloc(MAX_ANSWER_BYTES + 1))],
  ['is too long, and says nothing of its length', (response) => {
    response.write(Buffer.alloc(MAX_ANSWER_BYTES))
    response.end('1')
  }],
  ['breaks off', (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{', () => response.socket?.destroy())
  }],
  ['breaks off between chunks', (response) => {
    response.write('{}', () => response.socket?.destroy())
  }],
  ['never begins', (response) => void response.socket?.destroy()],
])('rejects an answer that %s', async (_what, answer) => {
  const post = await serve((_request, response) => answer(response))
  await expect(post()).rejects.toThrow()
})

test.each<[string, (response: ServerResponse) => void]>([
  ['nothing', () => undefined],
  ['headers alone', (response) => response.writeHead(200, { 'content-length': '100' }).flushHeaders()],
  ['a beginning', (response) => void response.writeHead(200, { 'content-length': '100' }).write('{')],
])('ends when its signal does, with %s come in', async (_what, answer) => {
  const abort = new AbortController()
  const post = await serve((_request, response) => {
    answer(response)
    // What was written is on its way when this runs.
    setTimeout(() => abort.abort(), 20)
  })
  await expect(post({ signal: abort.signal })).rejects.toThrow()
})

test('rejects a server whose certificate is another authority’s', async () => {
  let requests = 0
  const post = await serve((_request, response) => {
    requests += 1
    response.end()
  })
  await expect(post({ trust: other })).rejects.toThrow()
  expect(requests).toBe(0)
})
