/** The wallet page of client/demo: bundled for browsers, told which cloud it belongs to, and served. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { DemoConfig } from '../client/demo/config.ts'
import type { StackReady } from '../local/main.ts'
import { servePage, type PageFile } from '../local/page.ts'
import type { Service } from '../local/serve.ts'

interface WalletPageOptions {
  /** The project's folder. */
  readonly root: string
  /** Its origin must be among the cloud's `CLOISTER_ORIGINS`. */
  readonly port: number
  readonly apiUrl: string
  readonly stack: Pick<StackReady, 'issuerUrl' | 'loginUrl' | 'clientId' | 'chainUrl' | 'rootBase64' | 'measurements'>
}

/** Bundles the page and serves it on 127.0.0.1. @throws Error when it does not build */
export async function startWalletPage({ root, port, apiUrl, stack }: WalletPageOptions): Promise<Service> {
  const { issuerUrl, loginUrl, clientId, chainUrl, rootBase64, measurements } = stack
  const config: DemoConfig = { apiUrl, issuer: issuerUrl, loginUrl, clientId, chainUrl, root: rootBase64, measurements }
  const connect = [apiUrl, loginUrl, ...(chainUrl === null ? [] : [chainUrl])].map((url) => new URL(url).origin)
  return servePage({ port, files: await bundlePage(root, config), connect })
}

async function bundlePage(root: string, config: DemoConfig): Promise<ReadonlyMap<string, PageFile>> {
  const folder = join(root, 'client', 'demo')
  const entryPoints = { app: join(folder, 'main.ts'), callback: join(folder, 'callback.ts'), style: join(folder, 'style.css') }
  const { outputFiles } = await build({
    absWorkingDir: root, entryPoints, outdir: '/', bundle: true, minify: true, platform: 'browser', format: 'esm', target: 'es2022', write: false, logLevel: 'silent',
  })
  const files = new Map<string, PageFile>()
  for (const { path, contents } of outputFiles) files.set(path, { type: path.endsWith('.css') ? 'text/css' : 'text/javascript', body: contents })
  // Sub-resource integrity: whoever serves the scripts from elsewhere can't serve others.
  const integrity = (path: string): string => `sha384-${createHash('sha384').update((files.get(path) as PageFile).body).digest('base64')}`
  for (const [path, name] of [['/', 'index.html'], ['/callback', 'callback.html']] as const) {
    const html = await readFile(join(folder, name), 'utf8')
    files.set(path, { type: 'text/html; charset=utf-8', body: html.replace(/(src|href)="(\/[a-z]+\.(?:js|css))"/g, (all, _, file: string) => `${all} integrity="${integrity(file)}"`) })
  }
  files.set('/config.json', { type: 'application/json', body: JSON.stringify(config) })
  files.set('/icon.svg', { type: 'image/svg+xml', body: await readFile(join(folder, 'icon.svg')) })
  return files
}
