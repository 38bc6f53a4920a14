/** openapi.yaml's examples are what they say, and the page made of it is current, complete, and strict. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda'
import { decodeUnverifiedAttestation } from '../../lib/attestation/document.ts'
import { handler } from '../../functions/docs.ts'
import { API_DOCUMENT, API_PAGE, API_PAGE_POLICY } from '../../lib/http/api-docs.ts'
import { answerBinding, decodeSealedAnswer } from '../../lib/protocol/answer.ts'
import { fromBase64url } from '../../lib/protocol/bytes.ts'
import { ERRORS } from '../../lib/protocol/errors.ts'
import { decodeHeader, OPERATIONS } from '../../lib/protocol/header.ts'
import { decodeSealedBody } from '../../lib/protocol/request.ts'
import { routeOf } from '../../lib/protocol/routes.ts'
import { readApi, routesOf, type Media, type Schema } from '../../scripts/api-docs/document.ts'
import { GENERATED, generateModule } from '../../scripts/api-docs/generate.ts'
import { problemsWith } from '../support/json-schema.ts'
import { openExampleAnswer, openExampleRequest } from '../support/sealed-examples.ts'

const read = (file: string): string => readFileSync(join(process.cwd(), file), 'utf8')
const api = readApi(read('openapi.yaml'))
const routes = routesOf(api)
const exampleOf = (name: string, type: string): unknown =>
  (api.components['responses'] as Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>)[name]?.content[type]?.example

describe('the examples', () => {
  const media = routes.flatMap(({ method, path, operation: { requestBody, responses } }) => [
    ...Object.entries(requestBody?.content ?? {}).map(([type, one]): [string, Media] => [`${method} ${path} ${type}`, one]),
    ...Object.entries(responses).flatMap(([status, { content = {} }]) => Object.entries(content).map(([type, one]): [string, Media] => [`${method} ${path} ${status} ${type}`, one])),
  ])
  const parameters = routes.flatMap(({ method, path, operation }) => (operation.parameters ?? []).map((one) => [`${method} ${path} ${one.name}`, one] as const))

  test('every request, every response and every parameter has one, of its schema', () => {
    expect(media.length).toBeGreaterThan(100)
    expect([...media, ...parameters].filter(([, { example }]) => example === undefined).map(([name]) => name)).toEqual([])
    expect([...media, ...parameters].flatMap(([name, { schema, example }]) => problemsWith(api, schema, example, name))).toEqual([])
  })

  test.each(OPERATIONS.map((op) => [op] as const))('%s: what is sealed opens, under its header, and is such a request', async (op) => {
    const route = routes.find(({ method, path }) => method === 'POST' && path === routeOf(op))
    const { header, body } = await openExampleRequest(route?.operation.requestBody?.content['application/json']?.example)
    const read = decodeHeader(header)
    expect(read?.op).toBe(op)
    expect(decodeSealedBody(body)).toMatchObject({ op, wallet: read?.wallet })
  })

  test('the answer opens, and is the answer to the request to sign', async () => {
    const answer = decodeSealedAnswer(await openExampleAnswer(exampleOf('Answer', 'application/json')))
    expect(answer).toMatchObject({ op: 'sign', outcome: { ok: true } })
    expect(answerBinding('sign', answer?.request ?? new Uint8Array())).toHaveLength(37)
  })

  test('the problem is in the words of its code', () => {
    const { code, status, title } = exampleOf('Problem', 'application/problem+json') as { code: keyof typeof ERRORS; status: number; title: string }
    expect(ERRORS[code]).toMatchObject({ status, title })
  })

  test('the attestation is the beginning of one, and no more', () => {
    const example = routes.find(({ path }) => path === '/v1/enclave')?.operation.responses['200']?.content?.['application/json']?.example
    const bytes = fromBase64url((example as { attestation: string }).attestation) as Uint8Array
    expect([...bytes.subarray(0, 6)]).toEqual([0x84, 0x44, 0xa1, 0x01, 0x38, 0x22]) // COSE_Sign1 of four, protected {1: -35}
    expect(() => decodeUnverifiedAttestation(bytes)).toThrow()
  })
})

describe('the check of schemas', () => {
  const schema: Schema = { type: 'object', additionalProperties: false, required: ['a'], properties: { a: { type: 'string', pattern: '^x+$', maxLength: 3 }, b: { type: 'array', maxItems: 1, items: { type: 'integer', minimum: 1, maximum: 9 } }, c: { enum: [1] }, d: { const: 2 } } }
  test('takes what fits', () => expect(problemsWith(api, schema, { a: 'xx', b: [3], c: 1, d: 2 })).toEqual([]))
  test.each<[unknown]>([
    [{}], [{ a: 1 }], [{ a: 'y' }], [{ a: 'xxxx' }], [{ a: 'x', b: [0] }], [{ a: 'x', b: [10] }], [{ a: 'x', b: [1.5] }], [{ a: 'x', b: [1, 1] }], [{ a: 'x', b: {} }],
    [{ a: 'x', c: 2 }], [{ a: 'x', d: 1 }], [{ a: 'x', e: 1 }], [[]], [null], ['x'],
  ])('refuses %j', (value) => expect(problemsWith(api, schema, value)).toHaveLength(1))
  test('refuses a keyword that it does not know', () => expect(() => problemsWith(api, { oneOf: [] } as Schema, 1)).toThrow('oneOf'))
})

describe('the page', () => {
  test('is current: else run `npm run api-docs`', () => {
    expect(read(GENERATED) === generateModule(read('openapi.yaml'))).toBe(true)
    expect(JSON.parse(API_DOCUMENT)).toEqual(api)
  })

  test('has every operation and every code', () => {
    for (const { operation } of routes) expect(API_PAGE).toContain(`<section id="${operation.operationId}"`)
    for (const [code, { where }] of Object.entries(ERRORS)) if (where === 'http') expect(API_PAGE).toContain(`<th scope="row"><code>${code}</code></th>`)
  })

  test('loads nothing and runs nothing; its policy allows the one style that it has', () => {
    expect(API_PAGE).not.toMatch(/<(script|link|img|iframe|object|base|form)\b|\sstyle=|\son\w+=|url\(|@import/i)
    for (const [, href] of API_PAGE.matchAll(/\shref="([^"]*)"/g)) expect(href).toMatch(/^(#[A-Za-z]+|openapi\.json)$/)
    expect(API_PAGE_POLICY).not.toContain('unsafe')
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(API_PAGE) ?? []
    const digest = createHash('sha256').update(style).digest('base64')
    expect(API_PAGE_POLICY).toBe(`default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`)
  })

  test('what the document says is text, not markup', () => {
    const { title, ...info } = api.info
    expect(generateModule(JSON.stringify({ ...api, info: { ...info, title: `${title}<script>` } }))).toContain('Cloister&lt;script&gt;')
  })

  test('is served as HTML, the document as JSON', async () => {
    const get = async (routeKey: string) => handler({ routeKey, headers: {}, requestContext: {} } as unknown as APIGatewayProxyEventV2, {} as Context)
    expect(await get('GET /v1/docs')).toMatchObject({ statusCode: 200, body: API_PAGE, headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': API_PAGE_POLICY, 'x-content-type-options': 'nosniff' } })
    expect(await get('GET /v1/openapi.json')).toMatchObject({ statusCode: 200, body: API_DOCUMENT, headers: { 'content-type': 'application/json' } })
  })
})
