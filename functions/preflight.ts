import { endpoint } from '../lib/http/endpoint.ts'

/** OPTIONS: CORS preflight. Which origin is named back, the endpoint's headers say. */
export const handler = endpoint(async () => ({
  statusCode: 204,
  headers: {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '600',
  },
}))
