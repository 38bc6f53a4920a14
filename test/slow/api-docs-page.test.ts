/** The API's reference page in a browser, where there is one: under its own policy, readable, in light and dark, wide and narrow. */
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { API_PAGE, API_PAGE_POLICY } from '../../lib/http/api-docs.ts'
import { CHROMIUM_ARGS, findChromium } from '../support/browser.ts'
import { cleanup } from '../support/local.ts'

const executablePath = findChromium()
let browser: Browser
let url: string

/** What axe-core finds wrong. It is evaluated by the debugger, and so not under the page's policy. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(join(process.cwd(), 'node_modules', 'axe-core', 'axe.min.js'), 'utf8'))
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
  })
}

if (executablePath === undefined) {
  process.stdout.write('SKIP the reference page in a browser: no Chromium here (.ci/browser.sh installs one)\n')
  test.todo('the reference page in a browser')
} else {
  beforeAll(async () => {
    const server = createServer((_, response) => void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': API_PAGE_POLICY }).end(API_PAGE))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    cleanup(async () => void server.close())
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS })
    cleanup(() => browser.close())
  })

  test.each([['light', 1280], ['dark', 390], ['light', 320]] as const)('%s, %d wide', async (colorScheme, width) => {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })
    const said: string[] = []
    const asked: string[] = []
    page.on('console', (message) => void said.push(message.text()))
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname))
    await page.goto(url)
    expect({ said, asked: asked.filter((path) => path !== '/favicon.ico') }).toEqual({ said: [], asked: ['/'] })
    // Its one style was taken.
    expect(await page.evaluate(() => getComputedStyle(document.querySelector('pre') as Element).whiteSpace)).toMatch(/pre-wrap/)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    expect(await violations(page)).toEqual([])
    await page.close()
  })
}
