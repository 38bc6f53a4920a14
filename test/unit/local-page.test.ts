/** The wallet page's server: its files, its headers, nothing else. What a browser makes of the headers: test/browser/headers.ts. */
import { pageHeaders, servePage } from '../../local/page.ts'
import { anyFreePort } from '../../local/ports.ts'
import type { Service } from '../../local/serve.ts'

let page: Service

beforeAll(async () => {
  const files = new Map([['/', { type: 'text/html; charset=utf-8', body: '<!doctype html>' }], ['/app.js', { type: 'text/javascript', body: new Uint8Array([49]) }]])
  page = await servePage({ port: await anyFreePort(), files, connect: ['http://127.0.0.1:3000'] })
})
afterAll(() => page?.close())

test('serves its files, with or without a query, and no others', async () => {
  const index = await fetch(`${page.url}/?code=x`)
  expect([index.status, index.headers.get('content-type'), await index.text()]).toEqual([200, 'text/html; charset=utf-8', '<!doctype html>'])
  expect(await (await fetch(`${page.url}/app.js`)).text()).toBe('1')
  for (const path of ['/missing', '/../package.json', '/%2e%2e/package.json', '//etc/passwd']) expect((await fetch(page.url + path)).status).toBe(404)
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
  const response = await fetch(page.url, { method })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, HEAD')
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})

test('says the same of every answer, errors too', async () => {
  const expected = pageHeaders(['http://127.0.0.1:3000'])
  for (const [path, method] of [['/', 'GET'], ['/', 'HEAD'], ['/missing', 'GET'], ['/', 'POST']] as const) {
    const { headers } = await fetch(page.url + path, { method })
    for (const [name, value] of Object.entries(expected)) expect(headers.get(name)).toBe(value)
  }
})

test('the policy allows the page’s own files and the origins it is told, and nothing unsafe', () => {
  const policy = pageHeaders(['http://127.0.0.1:3000', 'http://127.0.0.1:8545'])['content-security-policy'] as string
  expect(policy).toContain("connect-src 'self' http://127.0.0.1:3000 http://127.0.0.1:8545;")
  expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'")
  expect(policy).not.toMatch(/unsafe|\*|data:|blob:/)
})
