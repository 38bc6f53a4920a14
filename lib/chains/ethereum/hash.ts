/** A bare 32-byte hash: nobody can say what it stands for, so the wallet must have been made to permit it. */
import { toHex } from '../../protocol/bytes.ts'
import { CloisterError } from '../../protocol/errors.ts'
import type { Reading } from '../chain.ts'
import { messageChainIdOf } from './chain-id.ts'
import { messagePlan, type MessagePayload } from './message-plan.ts'

/**
 * @param payload `data`: the 32 bytes that are signed as they are; `context`: `null`
 * @throws CloisterError `chain_unknown`, `parameters_malformed`, `message_malformed`; planning: `payload_not_permitted`
 */
export function readHash({ chain, data, context }: MessagePayload): Reading {
  messageChainIdOf(chain)
  if (context !== null) throw new CloisterError('parameters_malformed')
  if (data.length !== 32) throw new CloisterError('message_malformed')
  const hash = data.slice()
  const fields = { hash: `0x${toHex(hash)}` }
  return {
    plan({ account, permissions }) {
      if (!permissions.rawHash) throw new CloisterError('payload_not_permitted')
      return messagePlan({ chain, kind: 'hash', actions: [{ action: 'sign_hash', fields }], fields, warnings: ['raw_hash'] }, hash, account)
    },
  }
}
