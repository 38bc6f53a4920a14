/** openapi.yaml, as much of it as the reference page shows. */
import { CORE_SCHEMA, load } from 'js-yaml'

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
}

export interface Media {
  readonly schema: Schema
  readonly example?: unknown
}

export interface Response {
  readonly description: string
  readonly content?: Readonly<Record<string, Media>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
  readonly example?: unknown
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly description?: string; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Response>>
}

export interface Route {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly summary: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export function readApi(yaml: string): ApiDocument {
  return load(yaml, { schema: CORE_SCHEMA }) as ApiDocument
}

/** What a `$ref` stands for; anything else is itself. A reference's neighbours (JSON Schema 2020-12) are kept. @throws Error when it leads nowhere */
export function resolve<T>(api: ApiDocument, value: T): T {
  const { $ref, ...beside } = value as { readonly $ref?: string }
  if ($ref === undefined) return value
  const found = $ref.replace(/^#\//, '').split('/').reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], api)
  if (found === undefined) throw new Error(`${$ref} leads nowhere`)
  return { ...(resolve(api, found) as object), ...beside } as T
}

/** Every operation, in the document's order, its references one level down resolved. */
export function routesOf(api: ApiDocument): readonly Route[] {
  return Object.entries(api.paths).flatMap(([path, item]) => {
    const shared = (item['parameters'] ?? []) as readonly Parameter[]
    return Object.entries(item).filter(([name]) => name !== 'parameters').map(([method, value]) => {
      const { parameters = [], requestBody, responses, ...rest } = value as Operation
      const operation: Operation = {
        ...rest,
        parameters: [...shared, ...parameters].map((one) => resolve(api, one)),
        ...(requestBody === undefined ? {} : { requestBody: resolve(api, requestBody) }),
        responses: Object.fromEntries(Object.entries(responses).map(([status, one]) => [status, resolve(api, one)])),
      }
      return { method: method.toUpperCase(), path, operation }
    })
  })
}
