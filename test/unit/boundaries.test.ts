/** Who may import whom (rooms follow the trust domains). Walks the real imports; a new folder without a row fails. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

const ROOT = join(__dirname, '..', '..')

interface Rule {
  /** Folders of this project whose files may be imported, besides the room's own. */
  readonly rooms: readonly string[]
  /** Packages, by name; `node:` for Node's own modules. */
  readonly packages: readonly string[]
  /** Files with a wider rule of their own. */
  readonly exceptions?: Readonly<Record<string, readonly string[]>>
}

const SMALL_CRYPTO = ['@noble/', '@scure/', 'micro-eth-signer']
const AWS = ['@aws-sdk/', '@smithy/']

/** The longest matching folder decides. */
const RULES: Readonly<Record<string, Rule>> = {
  'lib/protocol': { rooms: [], packages: ['cborg', 'hpke', '@noble/'] },
  'lib/attestation': { rooms: ['lib/protocol'], packages: ['cborg'] },
  'lib/chains': { rooms: ['lib/protocol'], packages: SMALL_CRYPTO },
  'lib/tokens': {
    rooms: ['lib/protocol'],
    packages: ['jose', '@noble/'],
    exceptions: { 'lib/tokens/exchange.ts': [...AWS, 'node:crypto'], 'lib/tokens/fetch-jwks.ts': ['node:https'] },
  },
  'lib/enclave': { rooms: ['lib/protocol'], packages: ['node:'] },
  'lib/wallets': { rooms: ['lib/protocol', 'lib/tokens', 'lib/enclave'], packages: AWS },
  'lib/relay': { rooms: ['lib/protocol', 'lib/tokens', 'lib/enclave', 'lib/wallets'], packages: [...AWS, 'node:'] },
  'lib/http': {
    rooms: ['lib/protocol', 'lib/relay', 'lib/wallets'],
    packages: ['@middy/', '@aws-lambda-powertools/', 'aws-lambda'],
  },
  // Not among those that an app's request passes through: it holds nothing of users.
  'lib/operator': { rooms: ['lib/protocol', 'lib/enclave'], packages: ['@aws-lambda-powertools/'] },
  functions: {
    rooms: ['lib/http', 'lib/protocol', 'lib/relay', 'lib/wallets', 'lib/operator'],
    packages: [],
  },
  // The offline exit: a program for the owner's own machine, with keys in the clear.
  'client/cli': { rooms: ['lib/protocol', 'lib/chains'], packages: ['@noble/', '@scure/', 'node:'] },
  // Where PINs are typed: nothing but itself, so that whoever reads it has read all of it.
  'client/pin-pad': { rooms: [], packages: [] },
  // A page that uses the SDK as any app would.
  'client/demo': { rooms: ['client', 'client/pin-pad', 'lib/protocol', 'lib/attestation', 'lib/chains'], packages: ['micro-eth-signer'] },
  client: { rooms: ['lib/protocol', 'lib/attestation', 'lib/chains'], packages: [] },
  // The app's own libraries, each in the adapter that is for it.
  'client/adapters': {
    rooms: ['client', 'lib/protocol'],
    packages: [],
    exceptions: {
      'client/adapters/viem.ts': ['viem'],
      'client/adapters/ethers.ts': ['ethers'],
      'client/adapters/solana.ts': ['@wallet-standard/', '@solana/wallet-standard-features'],
    },
  },
  'enclave-sim/core': {
    rooms: ['lib/protocol', 'lib/chains', 'lib/tokens'],
    packages: ['cborg', '@noble/', '@scure/', 'node:buffer', 'node:crypto', 'node:timers/promises', 'node:util'],
  },
  'enclave-sim/platform': {
    rooms: ['lib/protocol', 'lib/tokens', 'enclave-sim/core', 'enclave-sim/image'],
    packages: ['@node-rs/argon2', 'cborg', 'koffi', '@peculiar/', 'node:'],
  },
  'enclave-sim/image': { rooms: ['lib/protocol'], packages: ['esbuild', 'node:'] },
  'enclave-sim': { rooms: ['enclave-sim/core', 'enclave-sim/platform'], packages: ['node:'] },
  local: { rooms: ['lib/protocol', 'lib/attestation', 'lib/tokens'], packages: ['@', 'dynalite', 'oidc-provider', 'jose', 'js-yaml', 'cborg', 'node:'] },
}

/** Nothing that is deployed, or runs in an app, may come near the simulator or the local cloud. */
const DEPLOYED = ['functions', 'lib', 'client']

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name}`)
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*'([^']+)'|import\s*\(\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'|require\(\s*'([^']+)'/g)]
  return found.map((match) => (match[1] ?? match[2] ?? match[3] ?? match[4]) as string)
}

const within = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`)

function roomOf(file: string): string | undefined {
  return Object.keys(RULES).filter((room) => within(file, room)).sort((a, b) => b.length - a.length)[0]
}

function violation(file: string, imported: string): string | undefined {
  const room = roomOf(file)
  if (room === undefined) return `${file} is in no room`
  const rule = RULES[room] as Rule
  if (imported.startsWith('.')) {
    const target = relative(ROOT, normalize(join(ROOT, dirname(file), imported)))
    if (DEPLOYED.some((folder) => within(file, folder)) && ['enclave-sim', 'local'].some((folder) => within(target, folder))) return `${file} reaches ${target}`
    const targetRoom = roomOf(target)
    return targetRoom === room || rule.rooms.some((allowed) => allowed === targetRoom) ? undefined : `${file} imports ${target}`
  }
  const allowed = [...rule.packages, ...(rule.exceptions?.[file] ?? [])]
  return allowed.some((name) => imported === name || imported.startsWith(name)) ? undefined : `${file} imports ${imported}`
}

const FOLDERS = ['functions', 'lib', 'client', 'enclave-sim', 'local']

test('imports only point where they may', () => {
  const files = FOLDERS.flatMap(sources)
  expect(files.length).toBeGreaterThan(80)
  expect(files.flatMap((file) => importsOf(file).map((imported) => violation(file, imported))).filter(Boolean)).toEqual([])
})

test.each([
  ['lib/protocol/cbor.ts', 'node:crypto'],
  ['lib/protocol/cbor.ts', '@aws-sdk/client-kms'],
  ['lib/attestation/verify.ts', 'node:crypto'],
  ['lib/attestation/verify.ts', '../tokens/verify.ts'],
  ['lib/chains/chain.ts', 'viem'],
  ['lib/tokens/verify.ts', '@aws-sdk/client-sts'],
  ['lib/wallets/operate.ts', '../../enclave-sim/core/enclave.ts'],
  ['lib/wallets/operate.ts', '../chains/chain.ts'],
  ['functions/sign.ts', '../lib/chains/chain.ts'],
  ['functions/sign.ts', '../local/stack.ts'],
  ['lib/operator/run.ts', '../wallets/operate.ts'],
  ['lib/operator/run.ts', '../tokens/verify.ts'],
  ['lib/operator/run.ts', '@aws-sdk/client-dynamodb'],
  ['client/connect.ts', 'node:crypto'],
  ['client/connect.ts', '../lib/tokens/verify.ts'],
  ['client/connect.ts', './pin-pad/pin-pad.ts'],
  ['client/connect.ts', './demo/app.ts'],
  ['client/pin-pad/pin-pad.ts', '../../lib/protocol/bytes.ts'],
  ['client/pin-pad/pin-pad.ts', 'react'],
  ['client/demo/main.ts', '../../local/page.ts'],
  ['client/demo/main.ts', 'viem'],
  ['client/ethereum.ts', 'viem'],
  ['client/connect.ts', './adapters/viem.ts'],
  ['client/adapters/eip1193.ts', 'ethers'],
  ['enclave-sim/core/enclave.ts', '@aws-sdk/client-kms'],
  ['enclave-sim/core/enclave.ts', '../platform/kms.ts'],
  ['enclave-sim/platform/kms.ts', '@aws-sdk/client-kms'],
  ['enclave-sim/platform/sigv4.ts', '@smithy/signature-v4'],
  ['enclave-sim/core/enclave.ts', 'node:fs'],
  ['local/stack.ts', '../enclave-sim/core/enclave.ts'],
])('refuses %s → %s', (file, imported) => {
  expect(violation(file, imported)).toBeDefined()
})

test('functions have no logic: 40 lines at most, one call each', () => {
  for (const file of sources('functions')) expect(readFileSync(join(ROOT, file), 'utf8').split('\n').length).toBeLessThanOrEqual(40)
})
