/** The public clusters' names, for what doesn't need the rest of Solana. */

/** CAIP-2: the first 32 characters of the genesis hash. */
export const SOLANA_CHAINS = {
  mainnet: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  devnet: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  testnet: 'solana:4uhcVJyU9pJkvQyS88uRDiswHScCKQ3z',
} as const
