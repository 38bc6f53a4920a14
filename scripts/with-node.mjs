// Runs a script, or jest, on Node 24: npm puts it on the PATH on Linux (optionalDependencies); elsewhere it must be there.
import { spawn } from 'node:child_process'

const [target, ...rest] = process.argv.slice(2)
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`Cloister needs Node 24 and found ${process.versions.node}. On Linux (x64, arm64) npm installs it with the other packages: run "npm ci" without --omit=optional. Elsewhere install Node 24.`)
  process.exit(1)
}
const args = target === '--jest' ? ['node_modules/jest/bin/jest.js', ...rest] : [target, ...rest]
const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' })
// The terminal sends its signals to the whole group: this process only waits for what the child makes of them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
