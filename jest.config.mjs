// ESM-only packages are compiled to CommonJS along with our own code: jest's module registry (and jest.mock) wants that.
const esmOnly = ['@noble', '@scure', 'jose', 'hpke', 'cborg', 'micro-eth-signer', 'micro-packed', '@peculiar', 'oidc-provider', '@middy', 'viem', 'ox', 'abitype', 'isows', '@cloud-copilot', '@aws-sdk', '@smithy', 'uuid', 'nanoid', 'quick-lru', 'eta', 'oidc-token-hash', 'koa', 'p-event', 'p-timeout']

/** As good as the others, and too long for each change. */
const LONG = ['e2e/bad-input', 'e2e/faults', 'e2e/leaks', 'e2e/measured', 'e2e/openapi', 'e2e/python-client', 'unit/chains-bitcoin-bounds', 'unit/core-floor', 'unit/core-records', 'unit/own-vectors', 'unit/vectors-cli']
const SLOW = [...['slow', 'adversary'].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`), ...LONG.map((name) => `<rootDir>/test/${name}.test.ts`)]
/** `undefined`, `slow` or `all`. */
const mode = process.env.CLOISTER_TESTS

export default {
  // `npm test` is for every change and must take under three minutes; what starts many clouds or takes longest runs with `npm run test:slow`, and in CI.
  testMatch: mode === 'slow' ? SLOW : ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: mode === undefined ? ['/test/(slow|adversary)/', ...LONG.map((name) => `/test/${name}\\.test\\.ts$`)] : [],
  testTimeout: 30_000,
  maxWorkers: 2,
  resolver: '<rootDir>/test/support/resolver.cjs',
  transform: {
    '^.+\\.(ts|mts|js|mjs)$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
}
