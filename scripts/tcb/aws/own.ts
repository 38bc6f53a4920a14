/** What the enclave has: the protocol, the signature and the HTTPS call. */
export { createAwsJson } from '../../../enclave-sim/platform/aws-json.ts'
export { createHttpsPost } from '../../../enclave-sim/platform/https-post.ts'
