import { CloisterError } from '../../lib/protocol/errors.ts'

/** The code that a call throws; `ok` when it throws nothing. */
export function codeOf(run: () => unknown): string {
  try {
    run()
    return 'ok'
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

export async function codeFrom(run: Promise<unknown>): Promise<string> {
  try {
    await run
    return 'ok'
  } catch (error) {
    if (error instanceof CloisterError) return error.code
    throw error
  }
}

/** A copy with one bit turned. */
export function flipped(bytes: Uint8Array, at = 0): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}
