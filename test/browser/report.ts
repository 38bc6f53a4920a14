/** Checks that run one after the other, counted; what fails is said and the rest goes on. */
export interface BrowserReport {
  check(name: string, run: () => Promise<void>): Promise<boolean>
  /** `N passed, N failed, 0 skipped`, and the exit code to go with it. */
  finish(): void
}

export function createReport(): BrowserReport {
  let passed = 0
  let failed = 0
  return {
    async check(name, run) {
      try {
        await run()
        passed++
        return true
      } catch (error) {
        failed++
        const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
        console.log(`FAIL ${name}: ${told.split('\n').slice(0, 16).join('\n')}`)
        return false
      }
    },
    finish() {
      console.log(`${passed} passed, ${failed} failed, 0 skipped`)
      process.exitCode = failed === 0 && passed > 0 ? 0 : 1
    },
  }
}
