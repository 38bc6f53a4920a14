/** What every endpoint has in common: errors become problems, headers are set, one line is logged. */
import { Logger } from '@aws-lambda-powertools/logger'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { theRelay } from '../relay/relay.ts'
import { problem } from './problem.ts'

type Result = APIGatewayProxyStructuredResultV2
type Handler = (event: APIGatewayProxyEventV2) => Promise<Result>

const logger = new Logger({ serviceName: 'cloister-relay' })

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
} as const

/** Wraps a handler. Whatever it throws, the answer is a problem: an unhandled error would show its stack under serverless-offline. */
export function endpoint(handler: Handler): (event: APIGatewayProxyEventV2, context: Context) => Promise<Result> {
  return middy<APIGatewayProxyEventV2, Result>()
    .use({
      onError: (request) => {
        request.response = problem(request.error)
        finish(request.event, request.response)
      },
      after: (request) => {
        if (request.response !== null && request.response !== undefined) finish(request.event, request.response)
      },
    })
    .handler(handler)
}

export function json(body: unknown, statusCode = 200, headers: Readonly<Record<string, string>> = {}): Result {
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function finish(event: APIGatewayProxyEventV2, response: Result): void {
  response.headers = { ...response.headers, ...SECURITY_HEADERS, ...corsHeaders(event.headers?.['origin']) }
  // Fields are a list of what may be logged, not of what may not.
  logger.info('request', { route: event.routeKey, status: response.statusCode ?? 200, apiRequestId: event.requestContext?.requestId })
}

/**
 * CORS: origins of the allow-list are named back, and never with credentials: the token travels in a header. Others get a name that isn't theirs rather than
 * none: serverless-offline fills in whoever asks where nothing is set.
 */
function corsHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return { vary: 'origin' }
  const origins = allowedOrigins()
  const named = origins.includes(origin) ? origin : (origins[0] ?? 'https://none.invalid')
  return { 'access-control-allow-origin': named, 'access-control-expose-headers': 'retry-after', vary: 'origin' }
}

function allowedOrigins(): readonly string[] {
  try {
    return theRelay().settings.origins
  } catch {
    return [] // settings are malformed: the answer is a problem, and nobody's
  }
}
