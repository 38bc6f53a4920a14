/** How attempts end, in a word. */
import { CloisterError } from '../../lib/protocol/errors.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import type { SealedRequest } from '../../lib/wallets/operate.ts'
import type { Position } from './position.ts'

/** `ok`, or why not: the code of an error of ours, the name of another one. */
export async function endOf(run: Promise<unknown>): Promise<string> {
  try {
    await run
    return 'ok'
  } catch (error) {
    const { code, name } = error as { code?: unknown; name?: unknown }
    return error instanceof CloisterError || typeof code === 'string' ? String(code) : String(name)
  }
}

/** Each once, sorted. */
export function distinct(codes: readonly string[]): string {
  return [...new Set(codes)].sort().join(', ')
}

/** Hands an enclave a sealed request of somebody else's: `done` or `refused`, with the sealed answer, or the code of a refusal. */
export async function handOver(
  { enclave }: Pick<Position, 'enclave'>, token: string, request: SealedRequest, record: WalletRecord | null,
): Promise<{ code: string; answer: Uint8Array }> {
  const answer = await enclave.request({ token: utf8(token), ...request, record })
  return 'answer' in answer ? { code: answer.outcome, answer: answer.answer } : { code: answer.code, answer: new Uint8Array() }
}

/** A copy with one bit turned. */
export function turned(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] as number) ^ (1 << (at % 8))
  return copy
}
