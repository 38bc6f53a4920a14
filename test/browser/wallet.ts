/**
 * Program: `node test/browser/wallet.ts <chromium>`. The wallet page against a whole cloud in a real browser: the journey of an owner, what goes wrong on
 * the way, and relays that lie. Prints `N passed, N failed, 0 skipped` last; exits with 1 when one failed.
 */
import { startHarness } from './harness.ts'
import { checkHeaders } from './headers.ts'
import { checkJourney } from './journey.ts'
import { checkPinPad } from './pin-pad.ts'
import { createReport } from './report.ts'
import { checkTrust } from './trust.ts'

const [browser] = process.argv.slice(2)
if (browser === undefined) {
  console.error('usage: node test/browser/wallet.ts <chromium>')
  process.exit(2)
}
const report = createReport()
const harness = await startHarness(browser)
try {
  await checkHeaders(harness, report)
  await checkPinPad(harness, report)
  await checkTrust(harness, report)
  await checkJourney(harness, report)
} finally {
  await harness.close()
}
report.finish()
// Sockets of a browser that was closed may linger.
process.exit()
