/** Which payload kinds the chains sign by now: what is not there yet is said, and its tests expect the refusal. */
import { chainOf } from '../../lib/chains/registry.ts'
import { CloisterError } from '../../lib/protocol/errors.ts'
import type { PayloadKind } from '../../lib/protocol/operations.ts'

function signs(namespace: string, kind: PayloadKind): boolean {
  try {
    chainOf(namespace).read({ chain: `${namespace}:1`, kind, data: new Uint8Array(), context: null })
    return true
  } catch (error) {
    return !(error instanceof CloisterError && error.code === 'payload_kind_unknown')
  }
}

/** `test` where the kind is signed; else a test with the same name that expects the refusal. */
export function testKind(namespace: string, kind: PayloadKind, name: string, run: () => Promise<void>): void {
  if (signs(namespace, kind)) return  test(name, run)
  process.stdout.write(`${namespace} signs no ${kind} yet: "${name}" expects payload_kind_unknown\n`)
  test(`${name} (not yet)`, async () => {
    const failure = await run().then(() => undefined, (error: unknown) => error)
    expect(JSON.stringify([(failure as CloisterError | undefined)?.code, (failure as { data?: unknown } | undefined)?.data, String(failure), causes(failure)])).toMatch(/payload_kind_unknown|does not sign this kind/)
  })
}

function causes(error: unknown): readonly unknown[] {
  const cause = (error as { cause?: unknown } | undefined)?.cause
  return cause === undefined ? [] : [(cause as { data?: unknown }).data, String(cause), ...causes(cause)]
}
