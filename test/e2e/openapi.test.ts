/** openapi.yaml against a running API: its example requests are sent, and whatever comes back is of the schema that it gives for that status. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Operation as SealedOperation } from '../../lib/protocol/header.ts'
import { routeOf } from '../../lib/protocol/routes.ts'
import { readApi, routesOf, type Route } from '../../scripts/api-docs/document.ts'
import { startCloud, type Cloud, type LoggedIn } from '../support/cloud.ts'
import { problemsWith } from '../support/json-schema.ts'
import { rawCall, sealedCode } from '../support/raw-client.ts'
import { CREATE, signParameters, transfer } from '../support/transactions.ts'

const PIN = '493817'
const api = readApi(readFileSync(join(process.cwd(), 'openapi.yaml'), 'utf8'))
const routes = routesOf(api)
const sealedRoutes = routes.filter(({ operation }) => operation.requestBody !== undefined)
let cloud: Cloud
let alice: LoggedIn
let wallet: string

beforeAll(async () => {
  cloud = await startCloud()
  alice = await cloud.logIn('alice')
  wallet = crypto.randomUUID()
}, 60_000)
afterAll(() => cloud?.close())

function route(method: string, path: string): Route {
  const found = routes.find((one) => one.method === method && one.path === path)
  if (found === undefined) throw new Error(`${method} ${path} is not described`)
  return found
}

/** Status, type and body are described. */
function expectDescribed({ method, path, operation }: Route, { status, headers, json }: { status: number; headers: Headers; json: unknown }): void {
  const name = `${method} ${path} ${status}`
  const response = operation.responses[String(status)]
  const [type = ''] = (headers.get('content-type') ?? '').split(';')
  const schema = response?.content?.[type]?.schema
  expect([name, schema === undefined ? `${type} is not described` : problemsWith(api, schema, json)]).toEqual([name, []])
  if (status === 503 || status === 429) expect(headers.get('retry-after')).toMatch(/^[0-9]+$/)
}

/** The path with a route's own example, or with a wallet that there is. */
function pathOf({ path, operation }: Route, id?: string): string {
  const { parameters = [] } = operation
  const query = parameters.filter((one) => one.in === 'query').map(({ name, example }) => [name, String(example)])
  const filled = parameters.filter((one) => one.in === 'path').reduce((all, { name, example }) => all.replace(`{${name}}`, id ?? String(example)), path)
  return query.length === 0 ? filled : `${filled}?${new URLSearchParams(query).toString()}`
}

async function send(one: Route, { token, id, body }: { token?: string; id?: string; body?: unknown } = {}): ReturnType<Cloud['call']> {
  const answer = await cloud.call(one.method, pathOf(one, id), {
    ...(token === undefined ? {} : { token }), ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  expectDescribed(one, answer)
  return answer
}

const exampleOf = ({ operation }: Route): unknown => operation.requestBody?.content['application/json']?.example

describe('every sealed operation', () => {
  test.each(sealedRoutes.map((one) => [one.path, one] as const))('%s: its example is a request, sealed to a key that this enclave does not have', async (_path, one) => {
    const { status, json } = await send(one, { token: alice.token, body: exampleOf(one) })
    const { example } = one.operation.responses['409']?.content?.['application/problem+json'] ?? {}
    expect({ status, json }).toEqual({ status: 409, json: example })
  })

  test.each(sealedRoutes.map((one) => [one.path, one] as const))('%s: a field more, and no token', async (_path, one) => {
    expect((await send(one, { token: alice.token, body: { ...(exampleOf(one) as object), more: '' } })).json['code']).toBe('request_malformed')
    expect((await send(one, { body: exampleOf(one) })).json['code']).toBe('token_missing')
  })

  test('answers and refusals: of a wallet that is made and signs', async () => {
    const described = async (op: SealedOperation, pin: string | null, parameters: Parameters<typeof rawCall>[2]['parameters']) => {
      const answer = await rawCall(cloud, alice, { op, wallet, pin, parameters })
      expectDescribed(route('POST', routeOf(op)), answer.http)
      return answer
    }
    expect((await described('create', PIN, CREATE)).http.status).toBe(201)
    expect((await described('sign', PIN, signParameters(transfer()))).http.status).toBe(200)
    expect((await described('view', null, {})).http.status).toBe(200)
    expect((await described('verifyPin', PIN, {})).http.status).toBe(200)
    const refused = await described('sign', '000000', signParameters(transfer()))
    expect([refused.http.status, refused.http.json['code'], sealedCode(refused)]).toEqual([422, 'refused', 'pin_wrong'])
  })
})

describe('what is not sealed', () => {
  test('an enclave, by the example of a nonce and by one that is too short', async () => {
    const one = route('GET', '/v1/enclave')
    expect((await send(one)).status).toBe(200)
    const short = await cloud.call('GET', '/v1/enclave?nonce=AAAA')
    expectDescribed(one, short)
    expect(short.json['code']).toBe('request_malformed')
  })

  test('the list of wallets, with a token, none, and a bad one', async () => {
    const one = route('GET', '/v1/wallets')
    expect((await send(one, { token: alice.token })).json['wallets']).toMatchObject([{ id: wallet }])
    expect((await send(one)).json['code']).toBe('token_missing')
    expect((await send(one, { token: 'not.a.token' })).status).toBe(401)
  })

  test('receipts: of a wallet, from the example’s start, and of nobody', async () => {
    const one = route('GET', '/v1/wallets/{id}/receipts')
    const { json } = await send(one, { token: alice.token, id: wallet })
    expect((json['receipts'] as unknown[]).length).toBeGreaterThan(0)
    expect((await send(one, { token: alice.token })).json).toEqual({ receipts: [] })
    expect((await send(one, { token: alice.token, id: 'nobody' })).json['code']).toBe('wallet_not_found')
    const malformed = await cloud.call('GET', `/v1/wallets/${wallet}/receipts?after=-1`, { token: alice.token })
    expectDescribed(one, malformed)
    expect(malformed.status).toBe(400)
  })

  test('health', async () => {
    const { json } = await send(route('GET', '/v1/health'))
    expect(json).toEqual(route('GET', '/v1/health').operation.responses['200']?.content?.['application/json']?.example)
  })

  test('the document, and the page made of it', async () => {
    expect((await send(route('GET', '/v1/openapi.json'))).json).toEqual(api)
    const page = await fetch(`${cloud.url}/v1/docs`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /)
    expect(await page.text()).toContain('<h1>Cloister API')
  })

  test('every operation was one of these', () => {
    const plain = routes.filter((one) => !sealedRoutes.includes(one)).map(({ path }) => path)
    expect(plain).toEqual(['/v1/enclave', '/v1/wallets', '/v1/wallets/{id}/receipts', '/v1/health', '/v1/docs', '/v1/openapi.json'])
  })
})
