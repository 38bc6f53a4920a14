/**
 * Ethereum through lib/chains/ethereum: transactions, RLP, addresses. Each file has a shape of its own, told by its
 * vectors' fields.
 */
import { getPublicKey } from '@noble/secp256k1'
import { chainOf } from '../../lib/chains/registry.ts'
import { checkPersonal } from './eth-personal.ts'
import { checkRlp } from './eth-rlp.ts'
import { checkFixture, checkForms, checkInvalid, checkSigned } from './eth-transactions.ts'
import { checkEthersTyped, checkSigUtil } from './eth-typed-data.ts'
import { hexField, idOf, isObject, text, type Json } from './fields.ts'
import { eachFile, type RunFolder } from './folder.ts'
import { must, type Report } from './report.ts'

export const runEth: RunFolder = (folder, report) =>
  eachFile(folder, report, async ({ path, vectors }) => {
    for (const [index, vector] of vectors.entries()) {
      if (isObject(vector)) await runVector(report, path, index, vector)
      else report.skip(path, 'unknown shape: not a vector')
    }
  })

async function runVector(report: Report, path: string, index: number, vector: Json): Promise<void> {
  const id = idOf(vector, index)
  const has = (...names: readonly string[]): boolean => names.every((name) => name in vector)
  const check = (run: () => void | Promise<void>, name: string = id): Promise<void> => report.check(path, name, run)
  if (has('transaction', 'privateKey')) return checkForms(report, path, id, vector)
  if (has('tx', 'valid') && vector['valid'] === true) return check(() => checkSigned(hexField(vector, 'tx'), vector))
  if (has('tx', 'valid')) return check(() => checkInvalid(vector))
  if (has('set')) return check(() => checkFixture(vector), `${id}/${String(vector['set'])}`)
  if (has('encoded', 'decoded')) return check(() => checkRlp(hexField(vector, 'encoded'), vector['decoded'], 'hex'))
  const content = vector['valid'] === false ? undefined : vector['in_']
  if (has('in_', 'out')) return check(() => checkRlp(hexField(vector, 'out'), content, 'text'))
  if (has('address', 'privateKey')) return check(() => checkAddress(hexField(vector, 'privateKey'), text(vector, 'address')))
  if (has('key', 'addr')) {
    if (has('sig_of_emptystring')) report.skip(path, 'a signature of nothing, with a nonce that is not RFC 6979')
    return check(() => checkAddress(hexField(vector, 'key'), text(vector, 'addr')), `#${index}/${String(vector['seed'])}`)
  }
  if (has('types', 'primaryType')) return check(() => checkEthersTyped(vector))
  if (has('fn', 'args')) return check(() => (/typed/i.test(String(vector['fn'])) ? checkSigUtil(vector) : checkPersonal(vector)), `#${index}/${id}`)
  report.skip(path, 'unknown shape: no Ethereum vector that is known')
}

function checkAddress(privateKey: Uint8Array, address: string): void {
  const ours = chainOf('eip155').address({ path: 'm', publicKey: getPublicKey(privateKey, true), chainCode: null })
  const hasChecksum = /[A-F]/.test(address)
  must((hasChecksum ? ours : ours.toLowerCase()) === `0x${address.replace(/^0x/, '')}`, 'another address')
}
