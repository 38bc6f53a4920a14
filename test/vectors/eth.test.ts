/** Ethereum transactions of ethers, ethereumjs and ethereum/tests: unsigned ones are read, signed with the given key, and compared byte by byte. */
import { readRlpList, writeRlp, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { checkFixture, checkForms, checkInvalid, checkSigned } from '../../scripts/vectors/eth-transactions.ts'
import type { Json } from '../../scripts/vectors/fields.ts'
import { createReport } from '../../scripts/vectors/report.ts'
import { codeOf } from '../support/core-codes.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'
import { planOf } from '../support/evm.ts'

/** Failures as lines; none is expected. */
function collect() {
  const failures: string[] = []
  return { failures, report: createReport((line) => failures.push(line)) }
}

describeVectors('eth/ethers-transactions.json')('ethers', () => {
  const all = vectors<Json>('eth/ethers-transactions.json')

  test('legacy with and without a chain id, EIP-2930, EIP-1559, EIP-4844: signed as ethers signs them', async () => {
    const { failures, report } = collect()
    for (const [index, vector] of all.entries()) {
      // A signature with its checks takes 20 ms; the random ones, which come first, have every form.
      if (process.env['SLOW'] !== '1' && index % (String(vector['name']).startsWith('random') ? 4 : 64) !== 0) continue
      await checkForms(report, 'ethers', String(vector['name']), vector)
    }
    expect(failures).toEqual([])
    expect(report.counts()).toMatchObject({ failed: 0, skipped: 0 })
    expect(report.counts().passed).toBeGreaterThan(100)
  }, 600_000)

  test('what has no chain id is refused without the permission; what is signed, is not signed again', () => {
    let done = 0
    for (const vector of all) {
      const unsigned = vector['unsignedLegacy']
      if (typeof unsigned !== 'string' || unsigned.length < 4) continue
      expect(codeOf(() => planOf('eip155:1', 'transaction', hex(unsigned)))).toBe('tx_chain_id_missing')
      expect(codeOf(() => planOf('eip155:1', 'transaction', hex(vector['signedLegacy'] as string)))).toBe('tx_already_signed')
      done += 1
    }
    expect(done).toBeGreaterThan(1000)
  }, 120_000)
})

describeVectors('eth/ethereumjs-tx.json')('ethereumjs', () => {
  test('each fixture, EIP-4844 with its blobs among them', async () => {
    const { failures, report } = collect()
    for (const [index, vector] of vectors<Json>('eth/ethereumjs-tx.json').entries()) await report.check('ethereumjs', String(index), () => checkFixture(vector))
    expect(failures).toEqual([])
    expect(report.counts().passed).toBeGreaterThan(20)
    expect(report.counts().skipped).toBeLessThanOrEqual(3) // signed by others than they say
  })
})

interface EthereumTest {
  readonly id: string
  readonly tx: string
  readonly valid: boolean
}

describeVectors('eth/transaction-tests.json')('ethereum/tests', () => {
  const all = vectors<EthereumTest & Json>('eth/transaction-tests.json').map((vector) => [vector.id, vector] as const)

  test.each(all.filter(([, { valid }]) => valid))('%s is read, and written back', (_id, vector) => {
    checkSigned(hex(vector.tx), vector)
  })

  test.each(all.filter(([, { valid }]) => !valid))('%s is refused, as it is and without its signature', (_id, vector) => {
    checkInvalid(vector)
    for (const chain of ['eip155:1', 'eip155:18']) expect(codeOf(() => planOf(chain, 'transaction', hex(vector.tx)))).toMatch(/^tx_/)
  })
})

/** An RLP list around an RLP string. */
function inList(string: Uint8Array): Uint8Array {
  const { length } = string
  const head = length <= 55 ? Uint8Array.of(0xc0 + length) : length < 256 ? Uint8Array.of(0xf8, length) : Uint8Array.of(0xf9, length >> 8, length & 255)
  return Uint8Array.of(...head, ...string)
}

describeVectors('eth/rlp-tests.json')('RLP', () => {
  test('valid lists are read and written back; valid strings are no lists; invalid ones are refused', () => {
    for (const { id, valid, out } of vectors<{ readonly id: string; readonly valid: boolean; readonly out: string }>('eth/rlp-tests.json')) {
      const bytes = hex(out)
      let items: readonly RlpItem[] | undefined
      const code = codeOf(() => (items = readRlpList(bytes)))
      const isList = (bytes[0] ?? 0) >= 0xc0
      if (valid && isList) expect([id, toHex(writeRlp(items ?? []))]).toEqual([id, toHex(bytes)])
      else expect([id, code]).toEqual([id, expect.stringMatching(/^tx_/)])
    }
  })

  test('as ethers has it', () => {
    type Tree = string | readonly Tree[]
    const plain = (item: RlpItem): Tree => (item instanceof Uint8Array ? `0x${toHex(item)}` : item.map(plain))
    for (const { name, decoded, encoded } of vectors<{ readonly name: string; readonly decoded: Tree; readonly encoded: string }>('eth/ethers-rlp.json')) {
      const bytes = hex(encoded)
      const wrapped = typeof decoded === 'string' ? inList(bytes) : bytes
      if (wrapped.length > 65_000) continue
      expect([name, plain(readRlpList(wrapped))]).toEqual([name, typeof decoded === 'string' ? [decoded] : decoded])
    }
  })
})
