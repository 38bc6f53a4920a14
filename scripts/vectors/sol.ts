/** Solana through lib/chains/solana: transactions, messages, addresses, Ed25519. Each vector's fields tell what it is. */
import { solana } from '../../lib/chains/solana/solana.ts'
import { publicKeyOf } from '../../enclave-sim/core/hd.ts'
import { UnknownShape, type Json } from './fields.ts'
import { checkEach, eachFile, type RunFolder } from './folder.ts'
import { must } from './report.ts'
import { mustFail, seedsOf } from './sol-bytes.ts'
import { checkSignInput } from './sol-ed25519.ts'
import { checkOffchain, findOffchain } from './sol-messages.ts'
import { checkRefused, checkTransaction, findTransaction } from './sol-transactions.ts'

export const runSol: RunFolder = (folder, report) => eachFile(folder, report, (file) => checkEach(report, file, check))

function check(vector: Json): void {
  const has = (...names: readonly string[]): boolean => names.every((name) => name in vector)
  if (has('seed', 'pub', 'msg', 'sig')) return checkSignInput(vector)
  const offchain = findOffchain(vector)
  if (offchain !== undefined) return checkOffchain(vector, offchain)
  const transaction = findTransaction(vector)
  if (transaction !== undefined) return checkTransaction(vector, transaction)
  if (mustFail(vector) && ['transaction', 'tx', 'wire', 'serialized'].some((name) => name in vector)) return checkRefused(vector)
  const [seed] = seedsOf(vector)
  const address = vector['address'] ?? vector['publicKey']
  if (seed !== undefined && typeof address === 'string') {
    return must(solana.address({ path: 'm', publicKey: publicKeyOf('ed25519', seed), chainCode: null }) === address, 'another address')
  }
  throw new UnknownShape('no Solana vector that is known')
}
