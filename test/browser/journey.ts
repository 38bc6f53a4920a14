/** All that an owner does with a wallet, in one go, on a telephone: each screen is looked at as well. */
import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { restore } from '../../client/cli/restore.ts'
import { codeAt } from '../../enclave-sim/core/factor.ts'
import { accessibility, choosePin, createWallet, DESKTOP, heading, logIn, PHONE, PIN, typePin, type Harness } from './harness.ts'
import type { BrowserReport } from './report.ts'
import { visiting } from './trust.ts'

const TO = '0x000000000000000000000000000000000000dEaD'
const NEW_PIN = '270593'
const LAST_PIN = '816402'
/** The mnemonic that every development chain is made of, and its first address. */
const TEST_WORDS = 'test test test test test test test test test test test junk'
const TEST_ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const NARROW = { width: 320, height: 640 }

export async function checkJourney(harness: Harness, report: BrowserReport): Promise<void> {
  for (const [name, viewport, colorScheme] of [['telephone, light', PHONE, 'light'], ['desktop, dark', DESKTOP, 'dark']] as const) {
    await visiting(harness, { viewport, colorScheme }, async (visit) => {
      const { page } = visit
      let code = ''
      let isOver = false
      // Each begins where the one before ended.
      const step = async (what: string, run: () => Promise<void>): Promise<void> => {
        if (!isOver) isOver = !(await report.check(`${name}: ${what}`, run))
      }
      const look = (): Promise<void> => lookAt(page, viewport)
      const tab = (label: string): Promise<void> => page.getByRole('navigation').getByRole('button', { name: label }).click()
      const press = (label: string | RegExp): Promise<void> => page.getByRole('button', { name: label }).click()

      await step('logs in and makes a first wallet', async () => {
        await look()
        await logIn(visit, `owner-${viewport.width}`)
        await heading(page, 'Your first wallet')
        await look()
        await press('Create a wallet')
        await heading(page, 'Create a wallet')
        await look()
        await press('Back')
        await heading(page, 'Your first wallet')
        code = await createWallet(page)
        assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/)
      })

      await step('gets ether and sends some; what was read is what was signed, and mined', async () => {
        await press('Get 1 test ETH')
        await page.locator('.balance', { hasText: '1 ETH' }).waitFor()
        await look()
        await send(page, '0.25', async () => {
          await look()
          await page.getByText('Fee at most').first().waitFor()
        })
        await look()
        await typePin(page, '1199')
        await page.getByText('Wrong PIN.').waitFor()
        await look()
        // The right one by the keyboard: the pad has the focus.
        await page.keyboard.type(PIN)
        await page.keyboard.press('Enter')
        await heading(page, 'Sent')
        await look()
        await press('Done')
        await page.locator('.balance', { hasText: /^0\.7\d+ ETH$/ }).waitFor()
      })

      await step('refuses what is no address and no amount before anything is asked', async () => {
        await press('Send')
        await page.getByLabel('To').fill(TO.slice(0, -1))
        await press('Review')
        await page.getByRole('alert').filter({ hasText: 'not an Ethereum address' }).waitFor()
        await look()
        await page.getByLabel('To').fill(TO)
        await page.getByLabel('Amount in ETH').fill('1e3')
        await press('Review')
        await page.getByRole('alert').filter({ hasText: 'with a point' }).waitFor()
        await page.getByLabel('Amount in ETH').fill('1000000')
        await press('Review')
        await page.getByRole('alert').filter({ hasText: 'more than the' }).waitFor()
        await look()
        await tab('Wallet')
      })

      await step('shows a verified history, and what each party saw', async () => {
        await tab('History')
        await page.getByText('2 of 2 receipts verified').waitFor()
        await page.getByText('1 wrong PIN before this').waitFor()
        const panel = page.getByRole('complementary', { name: 'Who saw what' })
        if ((await panel.locator('details').getAttribute('open')) === null) await panel.locator('summary').click()
        await panel.getByText('signed under the pinned root').waitFor()
        for (const pcr of ['PCR0', 'PCR1', 'PCR2', 'PCR16']) await panel.getByText(pcr, { exact: false }).first().waitFor()
        assert.equal(await panel.locator('.good-line').count(), 5)
        assert.equal(await panel.locator('.bad-line').count(), 0)
        await panel.getByText(/request, sealed, [0-9]+ bytes/).waitFor()
        await look()
      })

      await step('changes the PIN; the one before is wrong from then on', async () => {
        await tab('Security')
        await heading(page, 'Security')
        await look()
        await press('Change: PIN')
        await typePin(page, PIN)
        await typePin(page, '123456')
        await page.getByText('among the first that anybody would try').waitFor()
        await typePin(page, NEW_PIN)
        await page.locator('.dialog-prompt', { hasText: 'once more' }).waitFor()
        await typePin(page, PIN)
        await page.getByText('two different PINs').waitFor()
        await look()
        await choosePin(page, NEW_PIN)
        await page.getByText('The new PIN counts from now on.').waitFor()
        await press('Rename: Name')
        await page.getByLabel('Name').fill('Savings')
        await look()
        await press('Rename')
        await typePin(page, PIN)
        await page.getByText('Wrong PIN.').waitFor()
        await typePin(page, NEW_PIN)
        await page.getByText('The wallet has its new name.').waitFor()
        await tab('Wallet')
        await heading(page, 'Savings')
        await tab('Security')
      })

      await step('replaces the recovery code, and restores a downloaded backup with it, without any server', async () => {
        await press('Replace: Recovery code')
        await typePin(page, NEW_PIN)
        await heading(page, 'Your recovery code')
        await look()
        const before = code
        code = (await page.locator('.recovery-code span').allTextContents()).join('-')
        assert.notEqual(code, before)
        await page.getByLabel('I have written it down').check()
        await press('Done')
        await press('Export: Export and backup')
        await look()
        await press('Download a backup file')
        await typePin(page, NEW_PIN)
        await heading(page, 'Your backup')
        await look()
        const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save the file' }).click()])
        const restored = await restore(new Uint8Array(await readFile(await download.path())), code)
        assert.ok(restored.accounts.length > 0 && restored.accounts.every(({ matches }) => matches))
        await press('Done')
        await press('Export: Export and backup')
        await press('Show the recovery words')
        await typePin(page, NEW_PIN)
        await heading(page, 'Your recovery words')
        await look()
        assert.equal((await page.locator('.words li').allTextContents()).join(' '), restored.mnemonic)
        await press('Done')
        await press('Export: Export and backup')
        await press(/^Show the private key of Ethereum/)
        await typePin(page, NEW_PIN)
        await heading(page, 'Private key')
        await look()
        const path = restored.accounts.find(({ namespace }) => namespace === 'eip155')?.path ?? ''
        assert.equal((await page.locator('.secret span').allTextContents()).join(''), restored.privateKey('eip155', path))
        await press('Done')
      })

      await step('sets up a second factor; from then on a signature takes its code', async () => {
        await press('Set up: Second factor')
        await typePin(page, NEW_PIN)
        await heading(page, 'Scan with your authenticator')
        await page.getByRole('img', { name: /QR code/ }).waitFor()
        await look()
        const secret = fromBase32((await page.locator('.secret span').allTextContents()).join(''))
        // Each code counts once: the one of this half minute, then the next one's.
        const stepNumber = Math.floor(Date.now() / 30_000)
        const codeOf = (at: number): string => new TextDecoder().decode(codeAt(secret, at))
        await press('Confirm with a code')
        await typePin(page, NEW_PIN)
        await page.locator('.dialog-prompt', { hasText: 'One-time code' }).waitFor()
        await look()
        await typePin(page, codeOf(stepNumber))
        await page.getByText('a one-time code is asked for as well').waitFor()
        await look()
        await tab('Wallet')
        await send(page, '0.1')
        await typePin(page, NEW_PIN)
        await page.locator('.dialog-prompt', { hasText: 'One-time code' }).waitFor()
        await typePin(page, codeOf(stepNumber + 1))
        await heading(page, 'Sent')
        await press('Done')
      })

      await step('recovers from a forgotten PIN and a lost telephone at once', async () => {
        await send(page, '0.1')
        await press('Forgot the PIN?')
        await heading(page, 'Forgot the PIN')
        await look()
        await page.getByLabel('Recovery code').fill(`${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`)
        await press('Choose a new PIN')
        await page.getByRole('alert').filter({ hasText: 'A character is wrong' }).waitFor()
        await look()
        await page.getByLabel('Recovery code').fill(code.toLowerCase().replaceAll('-', ' '))
        await page.getByLabel('My authenticator app is gone too').check()
        await press('Choose a new PIN')
        await choosePin(page, LAST_PIN)
        await heading(page, 'Your recovery code')
        assert.notEqual((await page.locator('.recovery-code span').allTextContents()).join('-'), code)
        await page.getByLabel('I have written it down').check()
        await press('Done')
        await page.getByText('The new PIN counts from now on.').waitFor()
        await send(page, '0.1')
        await typePin(page, LAST_PIN)
        await heading(page, 'Sent')
        await press('Done')
      })

      await step('adds an account', async () => {
        await press('Add an account')
        await look()
        await page.getByLabel('Chain').selectOption('Ethereum')
        await press('Add')
        await typePin(page, LAST_PIN)
        await page.getByText('The account is there.').waitFor()
        await page.getByText("m/44'/60'/0'/0/1").waitFor()
        await look()
      })

      await step('deletes the wallet, finds it in the list, and restores it', async () => {
        await tab('Security')
        await press('Delete: Delete')
        await typePin(page, LAST_PIN)
        await heading(page, 'This wallet is deleted')
        await look()
        await press('All wallets')
        await heading(page, 'Your wallets')
        await look()
        await press(/^Wallet .*deleted/)
        await heading(page, 'This wallet is deleted')
        await press('Restore it')
        await typePin(page, LAST_PIN)
        await page.getByText('The wallet is back.').waitFor()
      })

      await step('imports a wallet that was made elsewhere; nonsense is refused', async () => {
        await press('All wallets')
        await press('Import one')
        await page.getByLabel('Recovery words').fill('not words')
        await press('Choose a PIN')
        await page.getByRole('alert').filter({ hasText: 'neither recovery words nor a private key' }).waitFor()
        await look()
        await page.getByLabel('Recovery words').fill(TEST_WORDS.replace('junk', 'test'))
        await page.getByLabel('Make a recovery code').uncheck()
        await press('Choose a PIN')
        await choosePin(page, PIN)
        await page.getByRole('alert').filter({ hasText: 'These are not recovery words' }).waitFor()
        await look()
        await page.getByLabel('Recovery words').fill(`  ${TEST_WORDS.toUpperCase()} `)
        await press('Choose a PIN')
        await choosePin(page, PIN)
        await heading(page, 'Everyday')
        await page.getByText(TEST_ADDRESS).waitFor()
      })

      await step('logs out: nothing is left, and the next one may be somebody else', async () => {
        await press('Log out')
        await heading(page, 'A wallet you log in to')
        assert.equal(await page.getByText(TEST_ADDRESS).count(), 0)
        assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0])
        await logIn(visit, `somebody-else-${viewport.width}`)
        await heading(page, 'Your first wallet')
      })
    }).catch(async (error: unknown) => void (await report.check(`${name}: the page`, () => Promise.reject(error))))
  }
}

async function send(page: Page, amount: string, onReview: () => Promise<void> = async () => undefined): Promise<void> {
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await heading(page, 'Send')
  await page.getByLabel('To').fill(TO)
  await page.getByLabel('Amount in ETH').fill(amount)
  await page.getByRole('button', { name: 'Review' }).click()
  await heading(page, 'Is this right?')
  await onReview()
  await page.getByRole('button', { name: 'Sign with PIN' }).click()
}

/** axe finds nothing, nothing is wider than the screen, and no element carries a style of its own. */
async function lookAt(page: Page, viewport: { width: number; height: number }): Promise<void> {
  assert.deepEqual(await accessibility(page), [])
  for (const size of [viewport, NARROW]) {
    await page.setViewportSize(size)
    const { wide, styled } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth - innerWidth, styled: document.querySelectorAll('[style]').length }))
    assert.ok(wide <= 0, `${wide} pixels too wide at ${size.width}`)
    assert.equal(styled, 0)
  }
  await page.setViewportSize(viewport)
}

function fromBase32(text: string): Uint8Array {
  const bits = Array.from(text, (character) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
