/** Small programs: associated token accounts, the compute budget, memos. */
import type { Program } from '../instruction.ts'

const CREATE = 'payer account owner mint systemProgram tokenProgram'

export const ASSOCIATED_TOKEN: Program = {
  name: 'Associated Token Account',
  tag: 'u8',
  whenEmpty: '0',
  rows: {
    0: ['create_token_account', CREATE, ''],
    1: ['create_token_account_if_missing', CREATE, ''],
    2: ['recover_nested_token_account', 'nested nestedMint to account mint owner tokenProgram', ''],
  },
}

/** Its instructions are fields of the summary, each named by its one datum. */
export const COMPUTE_BUDGET: Program = {
  name: 'Compute Budget',
  tag: 'u8',
  rows: {
    1: ['request_heap_frame', '', 'heapBytes:u32'],
    2: ['set_compute_unit_limit', '', 'computeUnitLimit:u32'],
    3: ['set_compute_unit_price', '', 'computeUnitPriceMicroLamports:u64'],
    4: ['set_loaded_accounts_limit', '', 'loadedAccountsBytes:u32'],
  },
}
