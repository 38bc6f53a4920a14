/**
 * Program: `node tether.ts COMMAND ARGUMENTS…`. Runs a command that must not outlive whoever started this: when the IPC channel closes, however the
 * parent ended, the command is ended too.
 */
import { spawn } from 'node:child_process'

const [command = '', ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: 'inherit' })
const stop = (): void => void child.kill('SIGTERM')
process.on('disconnect', stop)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
child.on('error', () => process.exit(127))
child.on('exit', (code) => process.exit(code ?? 0))
