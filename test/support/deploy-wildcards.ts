/** Finds the wildcards of what policies allow. A deny may be as wide as it likes. */
import type { PackagedTemplate } from './deploy-package.ts'

type Fields = Readonly<Record<string, unknown>>

/** Each as `resource/sid element text`; statements without a Sid go by their number. */
export function wildcardsOf(template: Pick<PackagedTemplate, 'Resources'>): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Properties }]) => documentsIn(Properties).flatMap((document) => inDocument(id, document))).sort()
}

function inDocument(id: string, document: Fields): string[] {
  const statements = [document['Statement']].flat().flatMap(branches) as Fields[]
  return statements.flatMap((statement, index) => {
    if (statement['Effect'] === 'Deny') return []
    const elements = ['Action', 'NotAction', 'Resource', 'NotResource', 'Principal', 'NotPrincipal'].filter((name) => Object.hasOwn(statement, name))
    return elements.flatMap((name) => texts(statement[name]).filter((text) => text.includes('*')).map((text) => `${id}/${(statement['Sid'] as string | undefined) ?? index} ${name} ${text}`))
  })
}

/** Policy documents at any depth, and those written as text. */
function documentsIn(value: unknown): Fields[] {
  if (typeof value === 'string') return /^\s*\{[\s\S]*"Statement"/.test(value) ? [JSON.parse(value) as Fields] : []
  if (Array.isArray(value)) return value.flatMap(documentsIn)
  if (typeof value !== 'object' || value === null) return []
  const fields = value as Fields
  return Object.hasOwn(fields, 'Statement') ? [fields] : Object.values(fields).flatMap(documentsIn)
}

/** A statement, or those of an Fn::If. */
function branches(value: unknown): unknown[] {
  const choice = (value as Fields)['Fn::If']
  return choice === undefined ? [value] : (choice as unknown[]).slice(1).filter((branch) => Object.hasOwn(branch as Fields, 'Effect'))
}

/** All texts in a value, those inside functions too; names of attributes and parameters have no asterisk. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(texts)
}
