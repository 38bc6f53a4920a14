/** The module that functions/docs.ts serves: so that a function's bundle has it, without a file to read or a parser of YAML. */
import { readApi } from './document.ts'
import { renderApi } from './render.ts'

export const GENERATED = 'lib/http/api-docs.ts'

/** Source of {@link GENERATED}. @param yaml openapi.yaml */
export function generateModule(yaml: string): string {
  const { html, policy, json } = renderApi(readApi(yaml))
  return `/** Generated from openapi.yaml by \`npm run api-docs\`; test/unit/api-docs.test.ts says when it is not current. */
/* oxlint-disable */
export const API_PAGE = ${JSON.stringify(html)}
export const API_PAGE_POLICY = ${JSON.stringify(policy)}
export const API_DOCUMENT = ${JSON.stringify(json)}
`
}
