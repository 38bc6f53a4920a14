/** EIP-712 of ethers and eth-sig-util, personal_sign of eth-sig-util: digests and signatures, and what they refuse is refused. */
import { getPublicKey } from '@noble/secp256k1'
import { signEcdsa } from '../../enclave-sim/core/signing.ts'
import type { Reading } from '../../lib/chains/chain.ts'
import { ethereum } from '../../lib/chains/ethereum/ethereum.ts'
import { readPersonalMessage } from '../../lib/chains/ethereum/personal.ts'
import { readTypedData } from '../../lib/chains/ethereum/typed-data.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import { codeOf } from '../support/core-codes.ts'
import { describeVectors, hex, toHex, vectors } from '../support/core-vectors.ts'
import { digestOf, payload, planOf } from '../support/messages.ts'

interface Typed {
  readonly name: string
  readonly domain: { readonly chainId?: number }
  readonly types: object
  readonly primaryType: string
  readonly data: object
  readonly digest: string
}

interface Call {
  readonly test: string
  readonly fn: string
  readonly args: readonly [Json, ...unknown[]]
  readonly result?: string
  readonly error?: string
}

type Json = Readonly<Record<string, unknown>>

const read = (data: unknown, context: CborValue = null): Reading => {
  const chainId = (data as { domain?: { chainId?: number } }).domain?.chainId ?? 1
  return readTypedData(payload('typedData', JSON.stringify(data), context, `eip155:${chainId}`))
}

function sign(reading: Reading, key: Uint8Array): string {
  const publicKey = getPublicKey(key, true)
  const account = { namespace: 'eip155', path: 'm', address: ethereum.address({ path: 'm', publicKey, chainCode: null }), publicKey, chainCode: null }
  const permissions = { exportable: false, rawHash: true, withoutChainId: false, anySighash: false }
  const plan = reading.plan({ account, accounts: [account], permissions })
  return `0x${toHex(plan.assemble([signEcdsa(key, publicKey, digestOf(plan))]).signed)}`
}

const keyOf = (arg: Json): Uint8Array => hex((arg['privateKey'] as { __hex: string }).__hex)

describeVectors('eth/ethers-typed-data.json')('ethers', () => {
  test('typed data: the same digests', () => {
    const all = vectors<Typed>('eth/ethers-typed-data.json')
    expect(all.length).toBeGreaterThan(50)
    for (const { name, types, primaryType, domain, data: message, digest } of all) {
      expect([name, `0x${toHex(digestOf(planOf(read({ types, primaryType, domain, message }))))}`]).toEqual([name, digest])
    }
  })
})

describeVectors('eth/ethsigutil-eip712-v4.json')('eth-sig-util, typed data', () => {
  const all = vectors<Call>('eth/ethsigutil-eip712-v4.json')
  const inJson = all.filter(({ fn, args }) => fn === 'signTypedData' && !/__(undef|hex|big|num)/.test(JSON.stringify(args[0]['data'])))

  test('the same signatures, or none where a value is not of its type', () => {
    let done = 0
    for (const { test: name, args: [arg], result } of inJson.filter((vector) => vector.result !== undefined)) {
      const { data, version } = arg
      if (codeOf(() => read(data, { version } as CborValue)) !== 'ok') continue
      expect([name, sign(read(data, { version } as CborValue), keyOf(arg))]).toEqual([name, result])
      done += 1
    }
    expect(done).toBeGreaterThan(20)
  })

  test('what it refuses is refused', () => {
    const refused = inJson.filter((vector) => vector.error !== undefined)
    expect(refused.length).toBeGreaterThan(5)
    for (const { test: name, args: [{ data, version }] } of refused) {
      expect([name, codeOf(() => read(data, { version } as CborValue))]).toEqual([name, expect.stringMatching(/^(typed_data|parameters)_malformed$/)])
    }
  })
})

describeVectors('eth/ethsigutil-personal.json')('eth-sig-util, personal_sign', () => {
  test('the same signatures', () => {
    const signed = vectors<Call>('eth/ethsigutil-personal.json').filter(({ fn, result }) => fn === 'personalSign' && result !== undefined)
    expect(signed.length).toBeGreaterThan(2)
    for (const { test: name, args: [arg], result } of signed) {
      const data = String(arg['data'])
      const message = data.startsWith('0x') ? hex(data) : new TextEncoder().encode(data)
      expect([name, sign(readPersonalMessage(payload('message', message)), keyOf(arg))]).toEqual([name, result])
    }
  })
})
