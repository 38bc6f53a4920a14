/** AWS's own signer: it would stand in for enclave-sim/platform/sigv4.ts, and leave the rest to us. */
export { SignatureV4 } from '@smithy/signature-v4'
