// For measurements alone. Preloaded into the enclave's launcher (NODE_OPTIONS), it has the enclave started by a shell script instead of by
// Node itself; preloaded by that script into the enclave, SIGUSR2 collects garbage there and SIGWINCH writes a heap snapshot.
const snapshot = process.execArgv.find((argument) => argument.startsWith('--allow-fs-write=') && argument.endsWith('.heapsnapshot'))
if (process.argv[1]?.endsWith('launch.ts')) {
  process.execPath = process.env.CLOISTER_TEST_NODE
} else if (snapshot !== undefined) {
  const collect = globalThis.gc
  process.on('SIGUSR2', () => [0, 50, 100, 150].forEach((afterMs) => setTimeout(() => collect(), afterMs)))
  process.on('SIGWINCH', () => require('node:v8').writeHeapSnapshot(snapshot.slice('--allow-fs-write='.length)))
}
