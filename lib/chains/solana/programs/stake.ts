/** The Stake program. Numbers and layouts are bincode's of `StakeInstruction`. */
import type { Program } from '../instruction.ts'

const LOCKUP = 'lockupUntilSec:i64 lockupEpoch:u64 custodian:key'

export const STAKE: Program = {
  name: 'Stake',
  tag: 'u32',
  rows: {
    0: ['initialize_stake', 'stake', `staker:key withdrawer:key ${LOCKUP}`],
    1: ['authorize_stake', 'stake authority custodian?', 'newAuthority:key kind:stakeAuthority', 'authority_change'],
    2: ['delegate_stake', 'stake vote authority', ''],
    3: ['split_stake', 'stake to authority', 'lamports:lamports'],
    4: ['withdraw_stake', 'stake to authority custodian?', 'lamports:lamports'],
    5: ['deactivate_stake', 'stake authority', ''],
    6: ['set_lockup', 'stake authority', 'lockupUntilSec:i64? lockupEpoch:u64? newCustodian:key?', 'authority_change'],
    7: ['merge_stake', 'stake source authority', ''],
    8: ['authorize_stake', 'stake base custodian?', 'newAuthority:key kind:stakeAuthority seed:seed owner:key', 'authority_change'],
    9: ['initialize_stake', 'stake staker withdrawer', ''],
    10: ['authorize_stake', 'stake authority newAuthority custodian?', 'kind:stakeAuthority', 'authority_change'],
    11: ['authorize_stake', 'stake base newAuthority custodian?', 'kind:stakeAuthority seed:seed owner:key', 'authority_change'],
    12: ['set_lockup', 'stake authority newCustodian?', 'lockupUntilSec:i64? lockupEpoch:u64?', 'authority_change'],
    13: ['get_minimum_delegation', '', ''],
    14: ['deactivate_delinquent_stake', 'stake vote referenceVote', ''],
    15: ['redelegate_stake', 'stake to vote authority', ''],
    16: ['move_stake', 'stake to authority', 'lamports:lamports'],
    17: ['move_lamports', 'stake to authority', 'lamports:lamports'],
  },
}
