/** Ethereum transactions of ethers, ethereumjs and ethereum/tests: unsigned ones are read, signed with the given key, and compared byte by byte. */
import { getPublicKey } from '@noble/secp256k1'
import { toRlp, type Hex } from 'viem'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import { ethereum, parse } from '../../lib/chains/ethereum/ethereum.ts'
import { readRlpList, type RlpItem } from '../../lib/chains/ethereum/rlp.ts'
import { codeOf } from '../support/core-codes.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'

const encode = (items: readonly RlpItem[]): Uint8Array => new Uint8Array(toRlp(items as Uint8Array[], 'bytes'))
const big = (bytes: RlpItem | undefined): bigint => BigInt(`0x${toHex(bytes as Uint8Array) || '0'}`)
const minimal = (value: bigint): Uint8Array => (value === 0n ? new Uint8Array() : hex(value.toString(16).length % 2 === 0 ? value.toString(16) : `0${value.toString(16)}`))

function sign(unsigned: Uint8Array, chainId: bigint, privateKey: Uint8Array): string {
  const publicKey = getPublicKey(privateKey, true)
  const transaction = parse(`eip155:${chainId}`, unsigned)
  return toHex(transaction.assemble(signEcdsa(privateKey, publicKey, transaction.digest), ethereum.address({ path: 'm', publicKey, chainCode: null })).signed)
}

/** What was signed, and for which chain; `undefined` when the transaction is of a kind that is not signed here. */
function unsign(signed: Uint8Array): { unsigned: Uint8Array; chainId: bigint } | undefined {
  if (signed[0] === 2) {
    const items = readRlpList(signed.subarray(1))
    return { unsigned: Uint8Array.of(2, ...encode(items.slice(0, 9))), chainId: big(items[0]) }
  }
  if ((signed[0] as number) < 0xc0) return undefined
  const items = readRlpList(signed)
  const v = big(items[6])
  if (v < 35n) return undefined
  const chainId = (v - 35n) / 2n
  return { unsigned: encode([...items.slice(0, 6), minimal(chainId), new Uint8Array(), new Uint8Array()]), chainId }
}

interface Ethers {
  readonly name: string
  readonly transaction: { readonly chainId: Hex }
  readonly privateKey: string
  readonly [form: string]: unknown
}

describeVectors('eth/ethers-transactions.json')('ethers', () => {
  const all = vectors<Ethers>('eth/ethers-transactions.json')
  /** Those that there are in this form: what has no chain id, or no recipient, can't be written in each. */
  const inForm = (kind: string): readonly Ethers[] => all.filter((vector) => vector[`unsigned${kind}`] !== '')

  test.each([['Eip155'], ['London']])('%s: signed as ethers signs it', (kind) => {
    let done = 0
    for (const vector of inForm(kind)) {
      const unsigned = hex(vector[`unsigned${kind}`] as string)
      const chainId = BigInt(vector.transaction.chainId ?? 0)
      if (chainId === 0n) {
        expect(codeOf(() => parse('eip155:0', unsigned))).toBe('tx_chain_id_missing')
        continue
      }
      const code = codeOf(() => parse(`eip155:${chainId}`, unsigned))
      if (code !== 'ok') {
        // Random ones whose tip is above their fee: no node takes them.
        expect([vector.name, code, tipAboveFee(unsigned)]).toEqual([vector.name, 'tx_field_invalid', true])
        continue
      }
      done += 1
      if (process.env['SLOW'] !== '1' && done % 16 !== 1) continue // a signature with its checks takes 20 ms
      expect(sign(unsigned, chainId, hex(vector.privateKey))).toBe((vector[`signed${kind}`] as string).slice(2))
      expect(codeOf(() => parse(`eip155:${chainId}`, hex(vector[`signed${kind}`] as string)))).toBe('tx_already_signed')
    }
    expect(done).toBeGreaterThan(all.length / 4)
  }, 200_000)

  test.each<[string, string]>([['Legacy', 'tx_chain_id_missing'], ['Berlin', 'tx_type_unknown'], ['Cancun', 'tx_type_unknown']])('%s: refused as %s', (kind, code) => {
    expect(inForm(kind).length).toBeGreaterThan(50)
    for (const vector of inForm(kind)) {
      expect(codeOf(() => parse('eip155:1', hex(vector[`unsigned${kind}`] as string)))).toBe(code)
      const signed = codeOf(() => parse('eip155:1', hex(vector[`signed${kind}`] as string)))
      expect(signed).toBe(kind === 'Legacy' ? 'tx_already_signed' : code)
    }
  })
})

function tipAboveFee(unsigned: Uint8Array): boolean {
  const items = unsigned[0] === 2 ? readRlpList(unsigned.subarray(1)) : []
  return big(items[2]) > big(items[3])
}

interface Ethereumjs {
  readonly set: string
  readonly privateKey?: string
  readonly signedTransactionRLP?: string
  readonly rlp?: string
  readonly sender?: string
}

describeVectors('eth/ethereumjs-tx.json')('ethereumjs', () => {
  const all = vectors<Ethereumjs>('eth/ethereumjs-tx.json')

  test('EIP-1559: the signed bytes from what was signed', () => {
    const signed = all.filter(({ set }) => set === 'eip1559signed')
    expect(signed.length).toBeGreaterThan(5)
    for (const { signedTransactionRLP: wrapped, privateKey } of signed) {
      // A typed transaction in an RLP string, as it stands in a block.
      const [bytes] = readRlpList(encodeString(hex(wrapped as string))) as [Uint8Array]
      const what = unsign(bytes)
      expect(sign(what?.unsigned as Uint8Array, what?.chainId as bigint, hex(privateKey as string))).toBe(toHex(bytes))
    }
  })

  test('EIP-155: what was signed is read, and the sender comes out of it', async () => {
    const { recoverTransactionAddress } = await import('viem')
    for (const { rlp, sender } of all.filter(({ set }) => set === 'eip155vitalik')) {
      const what = unsign(hex(rlp as string))
      expect(parse(`eip155:${what?.chainId}`, what?.unsigned as Uint8Array).summary.kind).toBe('legacy')
      expect((await recoverTransactionAddress({ serializedTransaction: rlp as Hex & `0x02${string}` })).toLowerCase()).toBe(`0x${sender}`)
    }
  })
})

/** An RLP list around an RLP string. */
function encodeString(string: Uint8Array): Uint8Array {
  const length = string.length
  const head = length <= 55 ? Uint8Array.of(0xc0 + length) : length < 256 ? Uint8Array.of(0xf8, length) : Uint8Array.of(0xf9, length >> 8, length & 255)
  return Uint8Array.of(...head, ...string)
}

interface EthereumTest {
  readonly id: string
  readonly tx: string
  readonly valid: boolean
  readonly exception: string | null
}

describeVectors('eth/transaction-tests.json')('ethereum/tests', () => {
  const all = vectors<EthereumTest>('eth/transaction-tests.json')
  /** These are wrong in the signature alone, which falls away, or in what the state of a chain would say. */
  const aboutOtherThings = /SIGNATURE|EC_RECOVERY|CHAINID|INTRINSIC_GAS|LEADING_ZEROS_V|INITCODE/

  test.each(all.filter(({ valid }) => valid).map((vector) => [vector.id, vector] as const))('%s is read once its signature is off', (_id, { tx }) => {
    const what = unsign(hex(tx))
    if (what === undefined) {
      // Before EIP-155, or EIP-2930.
      expect(codeOf(() => parse('eip155:1', hex(tx)))).toMatch(/^tx_(already_signed|type_unknown)$/)
      return
    }
    expect(codeOf(() => parse(`eip155:${what.chainId}`, what.unsigned))).toMatch(tx.length > 2 * 128 * 1024 ? /^tx_too_large$/ : /^ok$/)
  })

  test.each(all.filter(({ valid }) => !valid).map((vector) => [vector.id, vector] as const))('%s is refused as it is', (_id, { tx }) => {
    for (const chain of ['eip155:0', 'eip155:1', 'eip155:18']) expect(codeOf(() => parse(chain, hex(tx)))).toMatch(/^tx_/)
  })

  test('the invalid ones are refused without their signature too, or written back the same', () => {
    const read: string[] = []
    for (const { id, tx, exception } of all.filter(({ valid }) => !valid)) {
      let what: ReturnType<typeof unsign>
      if (codeOf(() => (what = unsign(hex(tx)))) !== 'ok' || what === undefined) continue // not even a list
      const { unsigned, chainId } = what
      if (codeOf(() => parse(`eip155:${chainId}`, unsigned)) !== 'ok') continue
      expect(exception).toMatch(aboutOtherThings)
      expect(encode(readRlpList(unsigned[0] === 2 ? unsigned.subarray(1) : unsigned))).toEqual(unsigned[0] === 2 ? unsigned.subarray(1) : unsigned)
      read.push(id)
    }
    expect(read.length).toBeLessThan(20)
  })
})

describeVectors('eth/rlp-tests.json')('RLP', () => {
  test('valid lists are read and written back; valid strings are no lists; invalid ones are refused', () => {
    for (const { id, valid, out } of vectors<{ readonly id: string; readonly valid: boolean; readonly out: string }>('eth/rlp-tests.json')) {
      const bytes = hex(out)
      let items: readonly RlpItem[] | undefined
      const code = codeOf(() => (items = readRlpList(bytes)))
      const isList = (bytes[0] ?? 0) >= 0xc0
      if (valid && isList) expect([id, toHex(encode(items ?? []))]).toEqual([id, toHex(bytes)])
      else expect([id, code]).toEqual([id, expect.stringMatching(/^tx_/)])
    }
  })

  test('as ethers has it', () => {
    type Tree = string | readonly Tree[]
    const plain = (item: RlpItem): Tree => (item instanceof Uint8Array ? `0x${toHex(item)}` : item.map(plain))
    for (const { name, decoded, encoded } of vectors<{ readonly name: string; readonly decoded: Tree; readonly encoded: string }>('eth/ethers-rlp.json')) {
      const bytes = hex(encoded)
      const wrapped = typeof decoded === 'string' ? encodeString(bytes) : bytes
      if (wrapped.length > 65_000) continue
      expect([name, plain(readRlpList(wrapped))]).toEqual([name, typeof decoded === 'string' ? [decoded] : decoded])
    }
  })
})
