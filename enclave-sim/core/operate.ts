/** What an enclave tells its operators of the work it has: numbers and ids, nothing of whose requests these are. */
import { toHex } from '../../lib/protocol/bytes.ts'
import type { EnclaveWork } from '../../lib/protocol/operator.ts'
import type { ChannelKeys } from './channel-keys.ts'
import type { Core } from './operations/operation.ts'

const sec = (ms: number): number => Math.max(0, Math.floor(ms / 1000))

/** @param readAgoMs since the device's clock was last read */
export function workOf(
  { queue, admission }: Pick<Core, 'queue' | 'admission'>,
  channelKeys: ChannelKeys,
  open: number,
  clock: { readonly driftMs: number; readonly readAgoMs: number },
): EnclaveWork {
  return {
    channelKeys: channelKeys.ages().map(({ id, ageMs, opensForMs }) => ({ id: toHex(id), ageSec: sec(ageMs), opensForSec: sec(opensForMs) })),
    open,
    running: admission.running,
    waiting: admission.waiting + queue.waiting,
    clock: { driftMs: Math.round(clock.driftMs), readAgoSec: sec(clock.readAgoMs) },
  }
}
