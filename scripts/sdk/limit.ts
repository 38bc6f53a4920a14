/** Attest, seal and open, minified and gzipped: 60 kB. */
export const CORE_LIMIT_BYTES = 60_000
