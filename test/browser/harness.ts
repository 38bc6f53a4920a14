/** A cloud, the wallet page and a headless Chromium, for the programs beside this file. */
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { anyFreePort } from '../../local/ports.ts'
import type { Service } from '../../local/serve.ts'
import { startWalletPage } from '../../scripts/page.ts'
import { startCloud, type Cloud } from '../support/cloud.ts'

const ROOT = process.cwd()
export const PIN = '493817'
export const PHONE = { width: 390, height: 844 }
export const DESKTOP = { width: 1280, height: 800 }

export interface Harness {
  readonly cloud: Cloud
  readonly page: Service
  readonly browser: Browser
  /** A fresh profile at the page, its requests and policy violations written down. `clockMs`: the page's clock, which then only the test moves faster. */
  visit(options?: { readonly viewport?: { width: number; height: number }; readonly colorScheme?: 'light' | 'dark'; readonly clockMs?: number }): Promise<Visit>
  close(): Promise<void>
}

export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** POSTs that left for the API, as paths. */
  readonly posts: readonly string[]
  /** What the page should never cause: violations of its policy, errors that nobody caught. */
  readonly complaints: readonly string[]
}

export async function startHarness(executablePath: string): Promise<Harness> {
  const port = await anyFreePort()
  const origin = `http://127.0.0.1:${port}`
  const cloud = await startCloud({ chain: true, origins: [origin] })
  const closers: (() => Promise<unknown>)[] = [() => cloud.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const { issuerUrl, loginUrl, clientId, chainUrl, trust } = cloud.stack
    const stack = { issuerUrl, loginUrl, clientId, chainUrl, rootBase64: Buffer.from(trust.root).toString('base64'), measurements: trust.measurements }
    const page = await startWalletPage({ root: ROOT, port, apiUrl: cloud.url, stack })
    closers.push(() => page.close())
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'] })
    closers.push(() => browser.close())
    return { cloud, page, browser, visit: (options = {}) => visit(browser, page.url, cloud.url, options), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function visit(browser: Browser, url: string, apiUrl: string, { viewport = DESKTOP, colorScheme = 'light', clockMs }: Parameters<Harness['visit']>[0] & object): Promise<Visit> {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', permissions: ['clipboard-write'] })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  if (clockMs !== undefined) await page.clock.install({ time: clockMs })
  const posts: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().startsWith(apiUrl)) posts.push(new URL(request.url()).pathname)
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript|integrity/i.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
  return { context, page, posts, complaints }
}

/** Logs in by the provider's own page, in the window that opens. */
export async function logIn({ context, page }: Pick<Visit, 'context' | 'page'>, username: string): Promise<void> {
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: /^Log in/ }).click()
  const popup = await opened
  await popup.getByLabel('User name').fill(username)
  await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Log in' }).click()])
}

/** Types a PIN by the keys on the screen, wherever they lie, and confirms it. */
export async function typePin(page: Page, pin: string, { submit = true } = {}): Promise<void> {
  // A dialog may have opened another.
  const pad = page.locator('cloister-pin-pad').last()
  for (const digit of pin) await pad.getByRole('button', { name: digit, exact: true }).click()
  if (submit) await pad.getByRole('button', { name: 'OK' }).click()
}

export async function choosePin(page: Page, pin: string): Promise<void> {
  await page.locator('.dialog-prompt', { hasText: /^New PIN$/ }).waitFor()
  await typePin(page, pin)
  await page.locator('.dialog-prompt', { hasText: 'once more' }).waitFor()
  await typePin(page, pin)
}

export async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
}

/** From the list, or its absence, to a wallet with its recovery code written down. Returns the code. */
export async function createWallet(page: Page, pin = PIN): Promise<string> {
  await page.getByRole('button', { name: 'Create a wallet' }).click()
  await heading(page, 'Create a wallet')
  await page.getByRole('button', { name: 'Choose a PIN' }).click()
  await choosePin(page, pin)
  await heading(page, 'Your recovery code')
  const code = (await page.locator('.recovery-code span').allTextContents()).join('-')
  await page.getByLabel('I have written it down').check()
  await page.getByRole('button', { name: 'Done' }).click()
  await heading(page, 'Everyday')
  return code
}

let axeSource: string | undefined

/** What axe-core finds wrong, one line each. */
export async function accessibility(page: Page): Promise<readonly string[]> {
  axeSource ??= await readFile(createRequire(`${ROOT}/package.json`).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[] }> } }
    const { violations } = await axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${JSON.stringify(target)} ${failureSummary ?? ''}`).join('; ')}`)
  })
}
