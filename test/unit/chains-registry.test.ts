/** Which chains there are; and that the enclave derives for them what their wallets do. */
import { deriveAccount } from '../../enclave-sim/core/keys.ts'
import { mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { allChains, chainOf } from '../../lib/chains/registry.ts'
import { solana } from '../../lib/chains/solana/solana.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { codeOf } from '../support/core-codes.ts'

test('Solana is one', () => {
  expect(chainOf('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp')).toBe(solana)
  expect(allChains()).toContain(solana)
  expect(solana.curve).toBe('ed25519')
})

test('the addresses that Phantom and Ledger show for a well-known mnemonic', async () => {
  const words = `${'abandon '.repeat(11)}about`
  const seed = mnemonicSeed(utf8(words))
  const secret = { kind: 'mnemonic', entropy: new Uint8Array(16), seed } as unknown as Parameters<typeof deriveAccount>[0]
  const account = deriveAccount(secret, 'solana', solana.path(0))
  expect(account).toMatchObject({ address: 'HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk', chainCode: null })
  expect(deriveAccount(secret, 'solana', solana.path(0, 'ledger-live')).address).toBe('GjJyeC1r2RgkuoCWMyPYkCWSGSGLcz266EaAkLA27AhL')
  expect(codeOf(() => deriveAccount(secret, 'solana', "m/44'/501'/0'/0"))).toBe('account_path_invalid')
})
