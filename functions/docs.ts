import { API_DOCUMENT, API_PAGE, API_PAGE_POLICY } from '../lib/http/api-docs.ts'
import { endpoint } from '../lib/http/endpoint.ts'

const page = { statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': API_PAGE_POLICY }, body: API_PAGE }
const document = { statusCode: 200, headers: { 'content-type': 'application/json' }, body: API_DOCUMENT }

/** GET /v1/docs, and GET /v1/openapi.json: what it is made from. */
export const handler = endpoint(async ({ routeKey }) => (routeKey === 'GET /v1/openapi.json' ? { ...document } : { ...page }))
