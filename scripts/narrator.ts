/** Tells a demo to a person: each step with its time, and who saw what in the clear. */
const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)

interface Sights {
  readonly app: string
  readonly relay: string
  readonly enclave: string
  readonly kms: string
}

export function createNarrator() {
  const began = performance.now()
  let number = 0
  return {
    title: (text: string): void => console.log(`\n${paint(1, text)}\n`),
    async step<T>(text: string, run: () => Promise<T>): Promise<T> {
      number += 1
      const started = performance.now()
      const result = await run()
      const ms = performance.now() - started
      const time = ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
      console.log(`${paint(32, '✓')} ${String(number).padStart(2)}  ${text} ${paint(2, `(${time})`)}`)
      return result
    },
    note: (text: string): void => console.log(`       ${paint(2, text)}`),
    saw({ app, relay, enclave, kms }: Sights): void {
      console.log(`       ${paint(2, 'in the clear:')} app: ${app} · relay: ${paint(36, relay)} · enclave: ${enclave} · KMS: ${kms}`)
    },
    failed(error: unknown): void {
      console.error(`${paint(31, '✗')} ${String(number).padStart(2)}  ${error instanceof Error ? error.message : 'failed'}`)
    },
    last: (): void => console.log(`\nDone in ${((performance.now() - began) / 1000).toFixed(1)} s. Nothing is left running. Next: ${paint(1, 'npm start')}\n`),
  }
}
