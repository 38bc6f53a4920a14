/** The enclave's AWS client over whatever answers in AWS's place. */
import { createAwsJson, type AwsJson, type AwsJsonOptions, type AwsService } from '../../enclave-sim/platform/aws-json.ts'
import type { HttpsPost } from '../../enclave-sim/platform/https-post.ts'

export const TEST_CREDENTIALS = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'secret', sessionToken: 'token', expiresAtMs: 0 }

export function awsClient(service: AwsService, post: HttpsPost, changes: Partial<AwsJsonOptions> = {}): AwsJson {
  const credentials = { current: () => TEST_CREDENTIALS, replace: () => undefined }
  return createAwsJson({ service, region: 'us-east-1', endpoint: 'https://aws.test', post, credentials, nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5), timeoutMs: 5_000, attempts: 1, ...changes })
}

/** What a service's answer looks like from inside. */
export function answerOf(status: number, body: unknown, headers: Record<string, string> = {}): Awaited<ReturnType<HttpsPost>> {
  return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}
