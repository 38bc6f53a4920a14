/** Solana vectors: Ed25519 signatures. */
import { skipAll } from './folder.ts'

export const runSol = skipAll('Solana is not there yet')
