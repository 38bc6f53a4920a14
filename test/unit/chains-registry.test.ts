/** Which chains there are. */
import { allChains, chainOf } from '../../lib/chains/registry.ts'
import { solana } from '../../lib/chains/solana/solana.ts'

test('Solana is one', () => {
  expect(chainOf('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')).toBe(solana)
  expect(allChains()).toContain(solana)
  expect(solana.curve).toBe('ed25519')
})
