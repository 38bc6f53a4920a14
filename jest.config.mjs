// ESM-only packages are compiled to CommonJS along with our own code: jest's module registry (and jest.mock) wants that.
const esmOnly = ['@noble', '@scure', 'jose', 'hpke', 'cborg', 'micro-eth-signer', 'micro-packed', '@peculiar', 'oidc-provider', '@middy', 'viem', 'ox', 'abitype', 'isows', '@cloud-copilot', '@aws-sdk', '@smithy', 'uuid', 'nanoid', 'quick-lru', 'eta', 'oidc-token-hash', 'koa', 'p-event', 'p-timeout']

export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // `npm test` is for every change and takes minutes; test/slow and test/adversary start many clouds, and run with `npm run test:slow` and in CI.
  testPathIgnorePatterns: process.env.CLOISTER_TESTS === 'slow' ? ['/test/(unit|vectors|integration|e2e)/'] : process.env.CLOISTER_TESTS === 'all' ? [] : ['/test/(slow|adversary)/'],
  testTimeout: 30_000,
  maxWorkers: 2,
  resolver: '<rootDir>/test/support/resolver.cjs',
  transform: {
    '^.+\\.(ts|mts|js|mjs)$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
}
