/** openapi.yaml says what serverless.yml routes, and which codes exist. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { PHASES } from '../../enclave-sim/core/phases.ts'
import { ERRORS } from '../../lib/protocol/errors.ts'
import { OPERATIONS, WALLET_ID } from '../../lib/protocol/header.ts'
import { routeOf } from '../../lib/protocol/routes.ts'

type Node = Record<string, unknown>
const read = (file: string): string => readFileSync(join(process.cwd(), file), 'utf8')
const api = load(read('openapi.yaml'), { schema: CORE_SCHEMA }) as { paths: Record<string, Node>; components: { schemas: Record<string, { enum?: string[]; pattern?: string }> } }

test('the same routes', () => {
  const routed = [...read('serverless.yml').matchAll(/(GET|POST) (\/v1\/[^\s'"]+)/g)].map(([, method, path]) => `${method} ${path}`)
  const described = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.keys(item).filter((key) => key !== 'parameters').map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(described.sort()).toEqual([...new Set(routed)].sort())
})

test('health: the phases that there are, and nothing but status and phase', () => {
  const { responses } = (api.paths['/v1/health'] as { get: { responses: Record<string, { content: Record<string, { schema: Node & { properties: Record<string, { enum?: string[]; const?: string }> } }> }> } }).get
  const schemas = ['200', '503'].map((status) => responses[status]?.content['application/json']?.schema)
  for (const schema of schemas) expect([schema?.['additionalProperties'], schema?.['required']]).toEqual([false, ['status', 'phase']])
  const phases = schemas.flatMap((schema) => schema?.properties['phase']?.enum ?? schema?.properties['phase']?.const)
  expect(new Set(phases)).toEqual(new Set([...PHASES, 'away']))
  expect(phases).toHaveLength(PHASES.length + 1)
})

test('no path of an operator', () => {
  expect(read('openapi.yaml')).not.toMatch(/operator/i)
})

test('the same codes: all that travel in the clear', () => {
  const inTheClear = Object.entries(ERRORS).filter(([code, row]) => row.where === 'http' || code === 'record_invalid').map(([code]) => code)
  expect(api.components.schemas['ErrorCode']?.enum?.sort()).toEqual(inTheClear.sort())
})

test('the same wallet ids', () => {
  expect(api.components.schemas['WalletId']?.pattern).toBe(WALLET_ID.source)
})

interface Posted {
  readonly summary: string
  readonly description: string
  readonly operationId: string
}
const posted = (op: (typeof OPERATIONS)[number]): Posted => api.paths[routeOf(op)]?.['post'] as Posted

test.each(OPERATIONS.map((op) => [op] as const))('%s is described at its route, with sealed codes that exist', (op) => {
  const { summary, description } = posted(op)
  expect(summary).toContain(`\`${op}\``)
  const [, codes = ''] = description.split('Sealed codes: ')
  const named = [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code as keyof typeof ERRORS)
  expect(named).toContain('parameters_malformed')
  expect(named.filter((code) => ERRORS[code]?.where !== 'sealed')).toEqual([])
  expect(new Set(named).size).toBe(named.length)
})

test('each sealed code is some operation’s', () => {
  const described = OPERATIONS.map((op) => posted(op).description).join()
  const sealed = Object.entries(ERRORS).filter(([code, { where }]) => where === 'sealed' && !described.includes(`\`${code}\``)).map(([code]) => code)
  expect(sealed).toEqual([])
})

test('each operation has a name of its own', () => {
  const names = Object.values(api.paths).flatMap((item) => Object.values(item).map((method) => (method as { operationId?: string }).operationId).filter((name) => name !== undefined))
  expect(new Set(names).size).toBe(names.length)
})
