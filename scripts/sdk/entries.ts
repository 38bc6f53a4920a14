/** What the package exports: each name, and the module behind it. */
export const ENTRIES: Readonly<Record<string, string>> = {
  './client': 'client/index.ts',
  './client/core': 'client/connect.ts',
  './client/ethereum': 'client/ethereum.ts',
  './client/bitcoin': 'client/bitcoin.ts',
  './client/solana': 'client/solana.ts',
  './client/discover': 'client/discover.ts',
  './client/pin-pad': 'client/pin-pad/pin-pad.ts',
  './client/adapters/viem': 'client/adapters/viem.ts',
  './client/adapters/ethers': 'client/adapters/ethers.ts',
  './client/adapters/eip1193': 'client/adapters/eip1193.ts',
  './client/adapters/eip6963': 'client/adapters/eip6963.ts',
  './client/adapters/wagmi': 'client/adapters/wagmi.ts',
  './client/adapters/solana': 'client/adapters/solana.ts',
}

/** The app's own: an adapter must speak to the copy that the app has. */
export const PEERS = ['viem', 'ethers', '@wallet-standard/base', '@wallet-standard/features', '@solana/wallet-standard-features']

/** As package.json has it. */
export function exportsMap(): Readonly<Record<string, unknown>> {
  const conditions = Object.entries(ENTRIES).map(([name, module]) => {
    const path = module.replace(/\.ts$/, '')
    return [name, { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }]
  })
  return { ...Object.fromEntries(conditions), './package.json': './package.json' }
}
