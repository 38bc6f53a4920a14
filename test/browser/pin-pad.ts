/** The PIN pad by itself: what is typed is nowhere to be read, by hand or by keyboard, on a narrow screen, and while it is locked. */
import { strict as assert } from 'node:assert'
import type { Page } from 'playwright-core'
import type { PinPadElement } from '../../client/pin-pad/pin-pad.ts'
import { accessibility, createWallet, logIn, typePin, PIN, type Harness } from './harness.ts'
import type { BrowserReport } from './report.ts'
import { visiting } from './trust.ts'

const LOCK_MS = 65_000

/** The page knows the element once it has asked for a PIN; a pad of our own is put in place of everything else. */
async function withPad(page: Page, attributes: Readonly<Record<string, string>>): Promise<void> {
  await page.evaluate((given) => {
    const pad = document.createElement('cloister-pin-pad') as PinPadElement
    for (const [name, value] of Object.entries(given)) pad.setAttribute(name, value)
    const main = document.createElement('main')
    const title = document.createElement('h1')
    title.textContent = 'Pad'
    main.append(title, pad)
    document.body.replaceChildren(main)
    pad.focus()
    Object.assign(globalThis, { handed: [] as number[][], refused: [] as string[] })
    void (async () => {
      for (;;) {
        try {
          ;(globalThis as unknown as { handed: number[][] }).handed.push([...(await pad.request())])
        } catch (error) {
          ;(globalThis as unknown as { refused: string[] }).refused.push((error as Error).name)
          return
        }
      }
    })()
  }, attributes)
}

const handed = (page: Page): Promise<number[][]> => page.evaluate(() => (globalThis as unknown as { handed: number[][] }).handed)

/** Everything that the document says: elements, attributes, texts, values, focus; inside the pad as well. */
const everything = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const read = (root: Document | ShadowRoot): string =>
      [...root.querySelectorAll('*')].map((element) => {
        const attributes = element.getAttributeNames().map((name) => `${name}=${element.getAttribute(name)}`).join(' ')
        const own = Object.getOwnPropertyNames(element).join(' ')
        const value = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement ? element.value : ''
        return `<${element.tagName} ${attributes} ${own}>${[...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join('')}${value}${element.shadowRoot === null ? '' : read(element.shadowRoot)}`
      }).join('\n') + `\nfocus ${root.activeElement?.tagName} ${root.activeElement?.className}`
    return read(document)
  })

const ascii = (pin: string): number[] => [...Buffer.from(pin)]

export async function checkPinPad(harness: Harness, report: BrowserReport): Promise<void> {
  await visiting(harness, {}, async (visit) => {
    const { page } = visit
    await logIn(visit, 'pads')
    await page.getByRole('button', { name: 'Create a wallet' }).click()
    await page.getByRole('button', { name: 'Choose a PIN' }).click()
    await page.locator('cloister-pin-pad').waitFor()

    for (const how of ['touch', 'keyboard'] as const) {
      await report.check(`two PINs typed by ${how} leave the same document behind: it tells how many digits, and not which`, async () => {
        const seen: string[] = []
        for (const pin of ['493817', '700256']) {
          await withPad(page, {})
          if (how === 'touch') await typePin(page, pin, { submit: false })
          else await page.keyboard.type(pin)
          await page.getByText('6 digits entered').waitFor({ state: 'attached' })
          seen.push(await everything(page))
        }
        assert.equal(seen[0], seen[1])
        assert.match(seen[0] as string, /dot filled/)
      })
    }

    await report.check('the PIN is handed out once, and again only when typed again', async () => {
      await withPad(page, {})
      await page.keyboard.type('0042')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Enter')
      await page.keyboard.type('98765')
      await page.keyboard.press('Backspace')
      await page.keyboard.press('Enter')
      assert.deepEqual(await handed(page), [ascii('0042'), ascii('9876')])
    })

    await report.check('too short is not handed out; too long is not taken', async () => {
      await withPad(page, { min: '5', max: '6' })
      await page.keyboard.type('1234')
      await page.keyboard.press('Enter')
      assert.equal(await page.getByRole('button', { name: 'OK' }).isDisabled(), true)
      await page.keyboard.type('5678')
      await page.keyboard.press('Enter')
      assert.deepEqual(await handed(page), [ascii('123456')])
    })

    await report.check('arrow keys walk over the keys, Enter presses the one that has the focus', async () => {
      await withPad(page, { min: '1' })
      await page.keyboard.press('ArrowRight')
      for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
      await page.getByRole('button', { name: 'OK' }).focus()
      await page.keyboard.press('Enter')
      assert.deepEqual(await handed(page), [ascii('5')])
    })

    await report.check('a pad that leaves the page forgets, and says so to who waits', async () => {
      await withPad(page, {})
      await page.keyboard.type('4938')
      const left = await page.evaluate(() => {
        const pad = document.querySelector('cloister-pin-pad') as PinPadElement
        pad.remove()
        return pad.count
      })
      assert.equal(left, 0)
      const refused = await page.evaluate(() => (globalThis as unknown as { refused: string[] }).refused)
      assert.deepEqual([...new Set(refused)], ['AbortError'])
    })

    await report.check('shuffled keys are all there, and lie otherwise each time', async () => {
      const orders = new Set<string>()
      for (let i = 0; i < 8; i++) {
        await withPad(page, { shuffled: '' })
        const digits = (await page.locator('cloister-pin-pad').getByRole('button').allTextContents()).filter((text) => /^[0-9]$/.test(text))
        assert.deepEqual([...digits].sort().join(''), '0123456789')
        orders.add(digits.join(''))
      }
      assert.ok(orders.size > 4)
    })

    await report.check('on a screen of 320 pixels everything fits, and keys are large', async () => {
      await page.setViewportSize({ width: 320, height: 568 })
      await withPad(page, { max: '64' })
      await page.keyboard.type('1'.repeat(64))
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320)
      for (const box of await page.locator('cloister-pin-pad').getByRole('button').all()) {
        const { width, height } = (await box.boundingBox()) as { width: number; height: number }
        assert.ok(width >= 48 && height >= 48, `${width} × ${height}`)
      }
      assert.deepEqual(await accessibility(page), [])
    })
  }).catch(async (error: unknown) => void (await report.check('the pad’s page', () => Promise.reject(error))))

  await report.check('wrong PINs are counted down to a lock; it counts down too, and ends', () =>
    visiting(harness, { clockMs: Date.now() }, async (visit) => {
      const { page } = visit
      await logIn(visit, 'locked')
      await createWallet(page)
      await page.getByRole('button', { name: 'Security' }).click()
      await page.getByRole('button', { name: 'Replace: Recovery code' }).click()
      for (const left of ['4 tries left', '3 tries left', '2 tries left', 'Last try']) {
        await typePin(page, '1122')
        await page.getByRole('timer').filter({ hasText: left }).waitFor()
        await page.getByText('Wrong PIN.').waitFor()
      }
      await typePin(page, '1122')
      const timer = page.getByRole('timer').filter({ hasText: /Try again in (1:00|0:[0-5][0-9])/ })
      await timer.waitFor()
      assert.deepEqual(await accessibility(page), [])
      const key = page.locator('cloister-pin-pad').getByRole('button', { name: '4', exact: true })
      assert.equal(await key.isDisabled(), true)
      await page.keyboard.type(PIN)
      assert.equal(await page.locator('cloister-pin-pad').evaluate((pad) => (pad as PinPadElement).count), 0)
      const first = await page.getByRole('timer').textContent()
      await page.clock.runFor(5000)
      assert.notEqual(await page.getByRole('timer').textContent(), first)
      await page.clock.runFor(LOCK_MS)
      await page.getByText('You can try again.').waitFor({ state: 'attached' })
      assert.equal(await key.isDisabled(), false)
      assert.match((await page.getByRole('timer').textContent()) ?? '', /Last try/)
    }))
}
