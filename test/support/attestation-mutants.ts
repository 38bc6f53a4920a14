/** Every small change to a byte string, or a sample of them: what a verifier must not let through. */

interface Mutant {
  readonly name: string
  readonly bytes: Uint8Array
}

/**
 * At each offset (each `stride`-th): one bit flipped, the byte dropped, a byte inserted, two neighbours swapped.
 * Which bit and which byte varies with the offset. Changes that change nothing are left out.
 */
export function* mutants(bytes: Uint8Array, stride: number): Generator<Mutant> {
  for (let at = 0; at < bytes.length; at += stride) {
    const byte = bytes[at] as number
    const edit = (remove: number, ...insert: number[]): Uint8Array => splice(bytes, at, remove, insert)
    yield { name: `bit flipped at ${at}`, bytes: edit(1, byte ^ (1 << (at % 8))) }
    yield { name: `byte dropped at ${at}`, bytes: edit(1) }
    yield { name: `byte inserted at ${at}`, bytes: edit(0, (at * 37) & 0xff) }
    const next = bytes[at + 1]
    if (next !== undefined && next !== byte) yield { name: `neighbours swapped at ${at}`, bytes: edit(2, next, byte) }
  }
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: readonly number[]): Uint8Array {
  const out = Array.from(bytes)
  out.splice(at, remove, ...insert)
  return Uint8Array.from(out)
}
