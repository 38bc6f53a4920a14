/** Bitcoin through lib/chains/bitcoin: BIP-143, -322, -340 and -341, PSBTs, digests before segwit. Each file has a shape of its own, told by its vectors' fields. */
import { checkSimple, checkFull, checkMessageError, checkMessageHashes } from './btc-bip322.ts'
import { checkPsbt } from './btc-psbt.ts'
import { checkBip143, checkLegacyDigest } from './btc-sighash.ts'
import { checkKeyPath, checkOutputKey, checkSchnorr } from './btc-taproot.ts'
import { idOf, isObject, text, UnknownShape, object, type Json } from './fields.ts'
import { eachFile, type RunFolder } from './folder.ts'
import { skip, type Report } from './report.ts'

export const runBtc: RunFolder = (folder, report) =>
  eachFile(folder, report, async ({ path, vectors }) => {
    for (const [index, vector] of vectors.entries()) await runVector(report, path, index, vector)
  })

async function runVector(report: Report, path: string, index: number, vector: unknown): Promise<void> {
  // Bitcoin Core's file begins with a row that names the columns.
  if (Array.isArray(vector)) return vector.length === 1 ? undefined : report.check(path, `#${index}`, () => checkLegacyDigest(vector))
  if (!isObject(vector)) return report.skip(path, 'unknown shape: not a vector')
  if ('given' in vector && 'inputSpending' in vector) return checkKeyPath(report, path, idOf(vector, index), vector)
  await report.check(path, nameOf(vector, index), () => checkObject(vector))
}

function nameOf(vector: Json, index: number): string {
  const section = vector['section']
  return typeof section === 'string' ? `#${index}/${section}` : idOf(vector, index)
}

function checkObject(vector: Json): void {
  const has = (...names: readonly string[]): boolean => names.every((name) => name in vector)
  if (has('secret key', 'public key', 'verification result')) return checkSchnorr(vector)
  if (has('given', 'intermediary', 'expected')) return checkOutputKey(vector)
  if (has('unsigned', 'sighashes')) return checkBip143(vector)
  if (has('section', 'v')) return checkPsbt(text(vector, 'section'), vector['v'])
  if (has('section', 'value')) return checkMessage(text(vector, 'section'), object(vector['value'], 'value'))
  throw new UnknownShape('no Bitcoin vector that is known')
}

function checkMessage(section: string, value: Json): void {
  switch (section) {
    case 'tx_hashes':
      return checkMessageHashes(value)
    case 'simple':
      return checkSimple(value)
    case 'full':
      return checkFull(value)
    case 'error':
      return checkMessageError(value)
    case 'proof_of_funds':
      return skip('proofs of funds are not signed')
    default:
      throw new UnknownShape('another section')
  }
}
