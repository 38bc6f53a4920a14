/** The wallet page: puts the pieces together and shows the first screen. */
import { createApp } from './app.ts'
import { loadConfig } from './config.ts'
import { h } from './dom.ts'
import { failed } from './screens/failed.ts'
import { welcome } from './screens/welcome.ts'
import { createSeenPanel } from './seen.ts'

async function start(): Promise<void> {
  const main = document.querySelector('main') as HTMLElement
  const aside = document.querySelector('aside') as HTMLElement
  const progress = document.querySelector('#progress') as HTMLElement
  const seen = createSeenPanel()
  aside.append(seen.element)
  try {
    const app = createApp({ config: await loadConfig(), main, progress, seen, onFatal: (error) => failed(app, error) })
    app.show(welcome(app))
  } catch {
    main.replaceChildren(h('h1', null, 'Not here'), h('p', null, 'The page did not find its configuration. Is “npm start” still running?'))
  }
}

void start()
