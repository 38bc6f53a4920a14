// For measurements alone. Preloaded into the enclave's launcher (NODE_OPTIONS), it gives the enclave's Node more flags, of which what is attested
// knows nothing; preloaded by these into the enclave, SIGUSR2 collects garbage there and SIGWINCH writes a heap snapshot.
const { CLOISTER_TEST_FLAGS: flags } = process.env
if (process.argv[1]?.endsWith('launch.ts') && flags !== undefined) {
  const childProcess = require('node:child_process')
  const { spawn } = childProcess
  childProcess.spawn = (command, args, options) => spawn(command, [...JSON.parse(flags), ...args], options)
  require('node:module').syncBuiltinESMExports()
}
const snapshot = process.execArgv.find((argument) => argument.startsWith('--allow-fs-write=') && argument.endsWith('.heapsnapshot'))
if (snapshot !== undefined) {
  const collect = globalThis.gc
  process.on('SIGUSR2', () => [0, 50, 100, 150].forEach((afterMs) => setTimeout(() => collect(), afterMs)))
  process.on('SIGWINCH', () => require('node:v8').writeHeapSnapshot(snapshot.slice('--allow-fs-write='.length)))
}
