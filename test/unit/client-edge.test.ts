/** The core's bundle in a context that has what edge runtimes have, and nothing of Node's: it connects, makes a wallet, signs. */
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import type { connect } from '../../client/connect.ts'
import type { ethereum } from '../../client/ethereum.ts'
import { createSdkWorld } from '../support/sdk-world.ts'

const root = join(__dirname, '../..')

// Byte strings are this process's, or they would be strangers to its WebCrypto; everything else that the language has is the context's own.
const WEB = {
  crypto, URL, TextEncoder, TextDecoder, AbortController, AbortSignal, performance, structuredClone, btoa, atob, setTimeout, clearTimeout, queueMicrotask, Headers, Response,
  Uint8Array, ArrayBuffer, DataView,
}

test.each([
  ['as it is', WEB],
  ['without AbortSignal’s newer helpers, as React Native', { ...WEB, AbortSignal: undefined }],
])('%s', async (_what, globals) => {
  const stdin = { contents: "export { connect } from './client/connect.ts'; export { ethereum } from './client/ethereum.ts'", resolveDir: root, loader: 'ts' } as const
  const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'iife', globalName: 'cloister', platform: 'browser', target: 'es2022', logLevel: 'silent' })
  const context = createContext({ ...globals })
  runInContext(`${outputFiles[0]?.text ?? ''}\nglobalThis.cloister = cloister`, context)
  const sdk = await createSdkWorld()
  try {
    const edge = context['cloister'] as { readonly connect: typeof connect; readonly ethereum: typeof ethereum }
    const cloister = await edge.connect({ ...sdk.options, chains: [edge.ethereum] })
    const wallet = await cloister.wallets.create({ pin: '493817', recovery: false })
    const { rawTransaction } = await wallet.account('ethereum').signTransaction(
      { chainId: 1, nonce: 0, gas: 21_000, to: '0x000000000000000000000000000000000000dEaD', value: 1n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n },
      { pin: '493817' },
    )
    expect(rawTransaction).toMatch(/^0x02/)
    expect(runInContext('[typeof process, typeof Buffer, typeof require]', context)).toEqual(['undefined', 'undefined', 'undefined'])
  } finally {
    sdk.close()
  }
}, 60_000)
