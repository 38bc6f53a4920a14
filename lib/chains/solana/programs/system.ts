/** The System program: accounts, the chain's own coin, durable nonces. Numbers and layouts are bincode's of `SystemInstruction`. */
import type { Program } from '../instruction.ts'

export const SYSTEM: Program = {
  name: 'System',
  tag: 'u32',
  rows: {
    0: ['create_account', 'from account', 'lamports:lamports space:u64 owner:key'],
    1: ['assign', 'account', 'owner:key', 'authority_change'],
    2: ['transfer', 'from to', 'lamports:lamports'],
    3: ['create_account', 'from account base?', 'base:key seed:seed lamports:lamports space:u64 owner:key'],
    4: ['advance_nonce', 'nonceAccount authority', ''],
    5: ['withdraw_nonce', 'nonceAccount to authority', 'lamports:lamports'],
    6: ['initialize_nonce', 'nonceAccount', 'authority:key'],
    7: ['authorize_nonce', 'nonceAccount authority', 'newAuthority:key', 'authority_change'],
    8: ['allocate', 'account', 'space:u64'],
    9: ['allocate', 'account base', 'base:key seed:seed space:u64 owner:key'],
    10: ['assign', 'account base', 'base:key seed:seed owner:key', 'authority_change'],
    11: ['transfer', 'from base to', 'lamports:lamports seed:seed owner:key'],
    12: ['upgrade_nonce', 'nonceAccount', ''],
  },
}
