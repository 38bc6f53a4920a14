/** What the page's server says of the page, and whether the browser holds it to that. */
import { strict as assert } from 'node:assert'
import type { Harness } from './harness.ts'
import type { BrowserReport } from './report.ts'
import { visiting } from './trust.ts'

export async function checkHeaders(harness: Harness, report: BrowserReport): Promise<void> {
  const { url } = harness.page

  await report.check('every answer carries the policy, without unsafe-* and without wildcards', async () => {
    for (const path of ['/', '/callback', '/app.js', '/style.css', '/config.json', '/missing']) {
      const response = await fetch(new URL(path, url))
      const policy = response.headers.get('content-security-policy') ?? ''
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
        assert.ok(policy.split('; ').includes(part), `${path}: ${part}`)
      }
      assert.doesNotMatch(policy, /unsafe|\*|data:|https?:\/\/(?!127\.0\.0\.1:)/)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
      assert.equal(response.headers.get('x-frame-options'), 'DENY')
      assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin-allow-popups')
      assert.equal(response.headers.get('cache-control'), 'no-store')
    }
    assert.equal((await fetch(url, { method: 'POST' })).status, 405)
    assert.equal((await fetch(new URL('/missing', url))).status, 404)
  })

  await report.check('scripts and styles are named with their digest; nothing is inline', async () => {
    for (const path of ['/', '/callback']) {
      const html = await (await fetch(new URL(path, url))).text()
      const loaded = [...html.matchAll(/<(?:script|link rel="stylesheet")[^>]*>/g)].map(([tag]) => tag)
      assert.equal(loaded.length, 2)
      for (const tag of loaded) assert.match(tag, /(?:src|href)="\/[a-z]+\.(?:js|css)" integrity="sha384-[A-Za-z0-9+/]{64}"/)
      assert.doesNotMatch(html, /style=|\son[a-z]+=|<style/)
    }
  })

  await report.check('a changed script is not run', () =>
    visiting(harness, {}, async ({ page, complaints }) => {
      await page.route(`${url}/app.js`, async (route) => route.fulfill({ response: await route.fetch(), body: 'document.title = "taken over"' }))
      await page.reload()
      assert.notEqual(await page.title(), 'taken over')
      assert.equal(complaints.length, 1)
      ;(complaints as string[]).length = 0
    }))

  await report.check('what the policy forbids does not happen: inline script, markup from text, a foreign server, a frame', () =>
    visiting(harness, {}, async ({ page, complaints }) => {
      const outcome = await page.evaluate(async () => {
        const script = document.createElement('script')
        const attempts: Record<string, string> = {}
        const attempt = async (name: string, run: () => unknown): Promise<void> => {
          attempts[name] = await Promise.resolve().then(run).then(() => 'done', () => 'refused')
        }
        await attempt('script text', () => (script.textContent = 'globalThis.ran = true'))
        document.head.append(script)
        await attempt('markup', () => (document.body.innerHTML = '<p>no</p>'))
        await attempt('foreign fetch', () => fetch('http://127.0.0.1:9/'))
        return { ...attempts, ran: (globalThis as { ran?: boolean }).ran ?? false }
      })
      assert.equal(outcome.ran, false)
      assert.equal((outcome as Record<string, unknown>)['markup'], 'refused')
      assert.equal((outcome as Record<string, unknown>)['foreign fetch'], 'refused')
      assert.ok(complaints.length > 0)
      ;(complaints as string[]).length = 0
    }))
}
