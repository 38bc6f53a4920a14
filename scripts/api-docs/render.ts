/** openapi.yaml as one page: no script, nothing from elsewhere, one style that its policy names by digest. */
import { createHash } from 'node:crypto'
import { ERRORS, type ErrorCode } from '../../lib/protocol/errors.ts'
import { resolve, routesOf, type ApiDocument, type Media, type Response, type Route, type Schema } from './document.ts'
import { STYLE } from './style.ts'

interface ApiPage {
  readonly html: string
  /** Content-Security-Policy. */
  readonly policy: string
  readonly json: string
}

export function renderApi(api: ApiDocument): ApiPage {
  const routes = routesOf(api)
  const { title, version, summary, description } = api.info
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(title)} API ${text(version)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${text(title)} API <small>${text(version)}</small></h1><p>${text(summary)} ${text(description)}</p><p>The same for machines: <a href="openapi.json">openapi.json</a>, OpenAPI 3.1.</p></header>
<nav aria-label="Operations"><ul>${routes.map(({ method, path, operation }) => `<li><a href="#${operation.operationId}"><b>${method}</b> ${text(path)}</a></li>`).join('')}<li><a href="#errors">Error codes</a></li></ul></nav>
<main>
${routes.map((route) => section(api, route)).join('\n')}
${errors(api)}
</main>
</body>
</html>
`
  const digest = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  return { html, policy, json: JSON.stringify(api) }
}

function section(api: ApiDocument, { method, path, operation }: Route): string {
  const { operationId, summary, description, security, parameters = [], requestBody, responses } = operation
  const isProblem = (response: Response): boolean => response.content?.['application/problem+json'] !== undefined
  const problems = Object.entries(responses).filter(([, response]) => isProblem(response)).map(([status]) => status)
  return `<section id="${operationId}" aria-labelledby="${operationId}-title">
<h2 id="${operationId}-title"><b>${method}</b> ${text(path)}</h2>
<p>${prose(summary)}. ${security?.length === 0 ? 'Needs no token.' : 'Needs an ID token.'}</p>${description === undefined ? '' : `\n<p>${prose(description)}</p>`}
${parameters.length === 0 ? '' : table('Parameters', parameters.map(({ name, in: where, required, description: says = '', schema, example }) =>
  [`<code>${text(name)}</code>`, `${where}${required === true ? '' : ', optional'}`, [typeOf(api, schema), prose(says), example === undefined ? '' : `Example: <code>${text(String(example))}</code>`].filter(Boolean).join('. ')]))}
${requestBody === undefined ? '' : `<h3>Request</h3>${requestBody.description === undefined ? '' : `<p>${prose(requestBody.description)}</p>`}${media(api, requestBody.content)}`}
${Object.entries(responses).filter(([, response]) => !isProblem(response)).map(([status, response]) => `<h3>${status}</h3><p>${prose(response.description)}</p>${media(api, response.content ?? {})}`).join('\n')}
${problems.length === 0 ? '' : `<p>${problems.join(', ')}: a problem with one of the <a href="#errors">error codes</a>.</p>`}
</section>`
}

function media(api: ApiDocument, content: Readonly<Record<string, Media>>): string {
  return Object.entries(content).map(([type, { schema, example }]) => {
    const rows = fieldsOf(api, schema, '')
    return `<p><code>${text(type)}</code></p>${rows.length === 0 ? '' : table('Fields', rows)}${example === undefined ? '' : `<pre><code>${text(JSON.stringify(example, null, 2))}</code></pre>`}`
  }).join('')
}

/** One row for each property, those of objects inside with their path. */
function fieldsOf(api: ApiDocument, given: Schema, path: string): string[][] {
  const schema = resolve(api, given)
  if (schema.items !== undefined) return fieldsOf(api, schema.items, `${path}[]`)
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const at = path === '' ? name : `${path}.${name}`
    const { description = '' } = resolve(api, property)
    const optional = schema.required?.includes(name) === true ? '' : ', optional'
    return [[`<code>${text(at)}</code>`, `${typeOf(api, property)}${optional}`, prose(description)], ...fieldsOf(api, property, at)]
  })
}

function typeOf(api: ApiDocument, given: Schema): string {
  const schema = resolve(api, given)
  const name = given.$ref?.split('/').at(-1)
  if (schema.const !== undefined) return `<code>${text(JSON.stringify(schema.const))}</code>`
  if (schema.enum !== undefined && name === undefined) return schema.enum.map((one) => `<code>${text(String(one))}</code>`).join(', ')
  const range = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength]
  const limits = range.every((one) => one === undefined) ? '' : `, ${range[0] ?? ''} to ${range[1] ?? 'any'}${schema.type === 'string' ? ' characters' : ''}`
  return `${text(name ?? schema.type ?? 'any')}${limits}`
}

function errors(api: ApiDocument): string {
  const codes = ((api.components['schemas'] as Readonly<Record<string, Schema>>)['ErrorCode']?.enum ?? []) as readonly ErrorCode[]
  const problem = (api.components['responses'] as Readonly<Record<string, Response>>)['Problem'] as Response
  return `<section id="errors" aria-labelledby="errors-title">
<h2 id="errors-title">Error codes</h2>
<p>${prose(problem.description)}</p>${media(api, problem.content ?? {})}
${table('Codes', codes.map((code) => [`<code>${code}</code>`, String(ERRORS[code].status || ''), text(ERRORS[code].title)]))}
</section>`
}

function table(caption: string, rows: readonly (readonly string[])[]): string {
  return `<table><caption>${caption}</caption><tbody>${rows.map(([head, ...cells]) => `<tr><th scope="row">${head}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</tbody></table>`
}

/** Text with `code` in it. */
function prose(words: string): string {
  return text(words).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function text(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
