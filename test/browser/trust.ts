/** A relay that lies about the enclave: nothing is sealed, and the page says why. Logins that are over. Enclaves that come back with another key. */
import { strict as assert } from 'node:assert'
import { decodeJwt } from 'jose'
import { LIES, lyingRelay } from './attestations.ts'
import { accessibility, createWallet, heading, logIn, PHONE, PIN, typePin, type Harness, type Visit } from './harness.ts'
import type { BrowserReport } from './report.ts'

export async function checkTrust(harness: Harness, report: BrowserReport): Promise<void> {
  const { cloud } = harness

  for (const lie of LIES) {
    await report.check(`nothing is sealed to an enclave whose attestation is ${lie.name}`, () =>
      visiting(harness, {}, async (visit) => {
        await lyingRelay(visit.page, cloud, lie)
        await logIn(visit, 'alice')
        await refused(visit, lie.code, lie.says)
        assert.deepEqual(visit.posts, [])
      }))
  }

  await report.check('nothing is sealed to an enclave whose attestation is two days old', () =>
    visiting(harness, { clockMs: Date.now() + 2 * 86_400_000 }, async (visit) => {
      await logIn(visit, 'alice')
      await refused(visit, 'attestation_stale', /an old one/)
      assert.deepEqual(visit.posts, [])
    }))

  await report.check('a relay that starts to lie in mid-session wins nothing more', () =>
    visiting(harness, {}, async (visit) => {
      const { page, posts } = visit
      await logIn(visit, 'mid')
      await createWallet(page)
      await page.route(`${cloud.url}/v1/wallets/*/view`, (route) => channelUnknown(route, page.url()))
      await page.getByRole('button', { name: 'All wallets' }).click()
      await lyingRelay(page, cloud, LIES[4] as (typeof LIES)[number])
      const before = posts.length
      await page.getByRole('button', { name: /^Wallet / }).click()
      await refused(visit, 'attestation_measurements', /other software/)
      // One, to the key that was believed; none to the other.
      assert.equal(posts.length, before + 1)
    }))

  await report.check('a rotated channel key: the page attests again and goes on', () =>
    visiting(harness, {}, async (visit) => {
      const { page } = visit
      await logIn(visit, 'rotated')
      await createWallet(page)
      // As an hour and ten minutes later: whatever was sealed to the key before opens no more.
      await cloud.stack.services.enclaves[0]?.kill('SIGKILL')
      await cloud.stack.replaceEnclave(0)
      const attested = page.waitForRequest(/\/v1\/enclave\?/)
      await page.getByRole('button', { name: 'Security' }).click()
      await page.getByRole('button', { name: 'Rename: Name' }).click()
      await page.getByLabel('Name').fill('After the rotation')
      await page.getByRole('button', { name: 'Rename' }).click()
      await typePin(page, PIN)
      await attested
      await page.getByText('The wallet has its new name.').waitFor()
    }))

  await report.check('a login that has run out: the page says so, and a new one goes on', () =>
    visiting(harness, { viewport: PHONE }, async (visit) => {
      const { page, posts } = visit
      await page.route(`${cloud.stack.loginUrl}/token`, async (route) => {
        const answer = await route.fetch()
        const body = (await answer.json()) as { id_token: string }
        const { iss, aud, sub, nonce } = decodeJwt(body.id_token) as Record<string, string>
        const nowSec = Math.floor(Date.now() / 1000)
        const claims = { iss: iss ?? '', aud: aud ?? '', sub: sub ?? '', nonce, iat: nowSec - 7200, exp: nowSec - 3600 }
        await route.fulfill({ response: answer, json: { ...body, id_token: await cloud.forge(claims) } })
      }, { times: 1 })
      await logIn(visit, 'late')
      await heading(page, 'Your login has run out')
      assert.deepEqual(await accessibility(page), [])
      assert.deepEqual(posts, [])
      // The provider still knows them: no second form.
      await page.getByRole('button', { name: 'Log in again' }).click()
      await heading(page, 'Your first wallet')
    }))

  await report.check('a login that is given up leads back', () =>
    visiting(harness, {}, async ({ context, page }) => {
      const opened = context.waitForEvent('page')
      await page.getByRole('button', { name: 'Log in' }).click()
      const popup = await opened
      await heading(page, 'Log in')
      assert.deepEqual(await accessibility(page), [])
      await Promise.all([popup.waitForEvent('close'), page.getByRole('button', { name: 'Cancel' }).click()])
      await heading(page, 'A wallet you log in to')
    }))

  await report.check('a code that comes with another state is nobody’s login', () =>
    visiting(harness, {}, async ({ context, page }) => {
      const opened = context.waitForEvent('page')
      await page.getByRole('button', { name: 'Log in' }).click()
      await (await opened).getByLabel('User name').waitFor()
      const tokens: string[] = []
      page.on('request', (request) => void (request.url().endsWith('/token') && tokens.push(request.url())))
      const injected = await context.newPage()
      await injected.goto(`${harness.page.url}/callback?code=stolen&state=guessed`).catch(() => undefined)
      await heading(page, 'Log in')
      assert.deepEqual(tokens, [])
    }))

  await report.check('a relay that is down is said to be', () =>
    visiting(harness, {}, async (visit) => {
      await visit.page.route(`${cloud.url}/**`, (route) => route.abort())
      await logIn(visit, 'alice')
      await visit.page.getByRole('alert').filter({ hasText: 'can not be reached' }).waitFor()
    }))
}

async function refused({ page }: Visit, code: string, says: RegExp): Promise<void> {
  await heading(page, 'This enclave is not trusted')
  await page.getByRole('alert').filter({ hasText: says }).filter({ hasText: 'Nothing was sent to it' }).waitFor()
  await page.locator('.code', { hasText: code }).waitFor()
  assert.deepEqual(await accessibility(page), [])
}

type VisitOptions = Parameters<Harness['visit']>[0]

/** One visit, whose page must never break its own policy. */
export async function visiting(harness: Harness, options: VisitOptions, run: (visit: Visit) => Promise<void>): Promise<void> {
  const visit = await harness.visit(options)
  try {
    await run(visit)
    assert.deepEqual(visit.complaints, [])
  } finally {
    await visit.context.close()
  }
}

function channelUnknown(route: { fulfill(answer: object): Promise<void> }, pageUrl: string): Promise<void> {
  return route.fulfill({
    status: 409, contentType: 'application/problem+json', headers: { 'access-control-allow-origin': new URL(pageUrl).origin }, body: JSON.stringify({ code: 'channel_unknown' }),
  })
}
