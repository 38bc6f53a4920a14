/** Programs by their address. */
import type { Program } from '../instruction.ts'
import { ASSOCIATED_TOKEN, COMPUTE_BUDGET } from './others.ts'
import { STAKE } from './stake.ts'
import { SYSTEM } from './system.ts'
import { TOKEN, TOKEN_2022 } from './token.ts'

export const PROGRAMS: ReadonlyMap<string, Program> = new Map([
  ['11111111111111111111111111111111', SYSTEM],
  ['Stake11111111111111111111111111111111111111', STAKE],
  ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', TOKEN],
  ['TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb', TOKEN_2022],
  ['ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL', ASSOCIATED_TOKEN],
  ['ComputeBudget111111111111111111111111111111', COMPUTE_BUDGET],
])

/** Data is the text, accounts are who signs it. */
export const MEMO_PROGRAMS: ReadonlySet<string> = new Set(['Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo', 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'])

/** Their first byte says how many signatures they check, each of which costs as much as the transaction's own. */
export const SIGNATURE_PROGRAMS: ReadonlySet<string> = new Set([
  'Ed25519SigVerify111111111111111111111111111',
  'KeccakSecp256k11111111111111111111111111111',
  'Secp256r1SigVerify1111111111111111111111111',
])
