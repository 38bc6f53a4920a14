/** Knows every secret of the victim, as no single party does, and looks for them in what an attacker brings. */
import { HDKey } from '@scure/bip32'
import { recoverTransactionAddress } from 'viem'
import { mnemonicBytes } from '../../enclave-sim/core/mnemonic.ts'
import { openRecord, openSeed, type Vault } from '../../enclave-sim/core/unlock.ts'
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { toHex } from '../../lib/protocol/bytes.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { splitSecret } from '../../lib/protocol/wallet-secret.ts'
import type { Stack } from '../../local/stack.ts'
import { openCiphertext } from '../../test/support/kms-operator.ts'
import { findLeaks } from '../../test/support/leaks.ts'
import { PATH } from '../../test/support/transactions.ts'
import type { Evidence, Won } from './attempt.ts'

export interface Judge {
  /** One more version of the victim's record. */
  learn(record: WalletRecord, pin: string): Promise<void>
  /** Something that only app and enclave may see. */
  plaintext(name: string, bytes: Uint8Array): void
  /** What the owner did ask for. */
  asked(signed: Uint8Array, address: string): void
  weigh(evidence: Evidence): Promise<Won>
}

export function createJudge(stack: Stack): Judge {
  const keys: Record<string, Uint8Array> = {}
  const plaintexts: Record<string, Uint8Array> = {}
  const wanted = new Set<string>()
  const addresses = new Set<string>()

  return {
    async learn(record, pin) {
      const opened = await openEverything(stack, record, pin)
      for (const [name, bytes] of Object.entries(opened)) keys[name === 'data key' ? `data key ${record.wallet} ${record.version}` : `${name} ${record.wallet}`] = bytes
    },
    plaintext: (name, bytes) => void (plaintexts[name] = bytes),
    asked(signed, address) {
      wanted.add(toHex(signed))
      addresses.add(address.toLowerCase())
    },
    async weigh({ loot = [], signed = [], guesses = 0 }) {
      const haystack = { loot: Buffer.concat(loot.flatMap((bytes) => [bytes, Uint8Array.of(0)])) }
      const stolen = signed.filter((bytes) => !wanted.has(toHex(bytes)))
      const signers = await Promise.all(stolen.map((bytes) => recoverTransactionAddress({ serializedTransaction: `0x${toHex(bytes)}` as `0x02${string}` }).catch(() => '')))
      return {
        keys: findLeaks(haystack, keys).length,
        plaintexts: findLeaks(haystack, plaintexts).length,
        signatures: signers.filter((signer) => addresses.has(signer.toLowerCase())).length,
        guesses,
      }
    },
  }
}

/** With KMS's own key material, the record and the PIN. */
async function openEverything(stack: Stack, record: WalletRecord, pin: string): Promise<Record<string, Uint8Array>> {
  const dataKey = await openCiphertext(stack, record)
  const unlocked = await unlock(stack.keyArn, record, dataKey, pin)
  if (unlocked === undefined) throw new Error('the PIN does not open the record')
  return { 'data key': dataKey, ...unlocked }
}

/** What a data key and the right PIN open: all there is. */
export async function unlock(kmsKeyArn: string, record: WalletRecord, dataKey: Uint8Array, pin: string): Promise<Record<string, Uint8Array> | undefined> {
  const unused = (): Promise<never> => Promise.reject(new Error('unused'))
  const vault: Vault = { kmsKeyArn, argon2id, dataKeys: { open: async () => dataKey.slice(), generate: unused, random: unused } }
  const unlocked = await openSeed(vault, await openRecord(vault, record), Buffer.from(pin))
  if (unlocked === undefined) return undefined
  const secret = splitSecret(unlocked.secret)
  if (secret?.kind !== 'mnemonic') throw new Error('the victim has a mnemonic')
  const { entropy, seed } = secret
  return {
    entropy,
    seed: seed.slice(),
    mnemonic: mnemonicBytes(entropy),
    'private key': HDKey.fromMasterSeed(seed).derive(PATH).privateKey as Uint8Array,
  }
}
