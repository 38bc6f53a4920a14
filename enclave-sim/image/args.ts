/** The command line of the enclave: measured (PCR0, PCR1), so one constant for whoever measures and whoever starts it. */

/** The program, in the image's folder, which is the working directory too. */
export const ENCLAVE_PROGRAM = 'enclave.mjs'

/** Options for Node.js, in this order, ahead of {@link ENCLAVE_PROGRAM}. What follows the program (addresses) is not measured: the host chooses it. */
export const ENCLAVE_NODE_ARGS: readonly string[] = [
  // Code that is in the image runs; code that arrives later doesn't.
  '--disallow-code-generation-from-strings',
  // No child processes, no workers, no inspector, and of all files only those of the image. Network and signals are the host's to cut.
  '--permission',
  '--allow-fs-read=.',
  '--allow-fs-read=/dev/nsm',
  '--allow-fs-write=/dev/nsm',
  // The kernel's random pool is seeded from the NSM device.
  '--allow-fs-write=/dev/random',
  // Argon2 is native code; it is part of the image.
  '--allow-addons',
  // Key objects keep copies of private keys until they are collected: so that is done after each request.
  '--expose-gc',
  // Else SIGUSR1 opens a debugger.
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--disable-warning=PERM0001',
  // HPKE derives the public half of a recovery key by a call that Node still calls experimental.
  '--disable-warning=ExperimentalWarning',
]
