/** BIP-39 and BIP-32 through the enclave's own functions. */
import { HDKey } from '@scure/bip32'
import { publicKeyOf as publicKeyFrom, withPrivateKey } from '../../enclave-sim/core/hd.ts'
import { rootFingerprint } from '../../enclave-sim/core/keys.ts'
import { mnemonicBytes, mnemonicSeed } from '../../enclave-sim/core/mnemonic.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { describeVectors, hex, toHex, vectorJson, vectors } from '../support/core-vectors.ts'

const nfkd = (text: string): Uint8Array => utf8(text.normalize('NFKD'))
const publicKeyAt = (seed: string, path: string): string =>
  withPrivateKey(hex(seed), 'secp256k1', path, ({ privateKey }) => toHex(publicKeyFrom('secp256k1', privateKey)))
const nothing = new Uint8Array()
const publicKeyOf = (extended: string): string => toHex(HDKey.fromExtendedKey(extended).publicKey as Uint8Array)

interface Bip39 {
  readonly entropy: string
  readonly mnemonic: string
  readonly seed: string
  readonly xprv: string
  readonly passphrase: string
  readonly lang: string
}

describeVectors('hd/bip39-trezor.json')('BIP-39', () => {
  const all = vectors<Bip39>('hd/bip39-trezor.json')

  test('sentences from entropy: English', () => {
    const english = all.filter(({ lang }) => lang === 'english')
    expect(english.length).toBeGreaterThanOrEqual(24)
    for (const { entropy, mnemonic } of english) expect(Buffer.from(mnemonicBytes(hex(entropy))).toString()).toBe(mnemonic)
  })

  test('one bit of entropy more is another sentence', () => {
    for (const { entropy, mnemonic } of all.filter(({ lang }) => lang === 'english').slice(0, 8)) {
      const changed = hex(entropy)
      changed[0] = (changed[0] as number) ^ 1
      expect(Buffer.from(mnemonicBytes(changed)).toString()).not.toBe(mnemonic)
    }
  })

  test('seeds from sentences of every language, and the master key from the seed', async () => {
    for (const { mnemonic, passphrase, seed, xprv } of all) {
      expect(toHex(mnemonicSeed(nfkd(mnemonic), nfkd(passphrase)))).toBe(seed)
      expect(publicKeyAt(seed, 'm')).toBe(publicKeyOf(xprv))
    }
  })

  test('without the passphrase it is another seed', async () => {
    const [first] = all
    expect(toHex(mnemonicSeed(nfkd(first?.mnemonic ?? '')))).not.toBe(first?.seed)
  })
})

describeVectors('hd/bip39-english-wally.json')('BIP-39 as libwally has it', () => {
  test('entropy → sentence → seed → master key', async () => {
    const all = vectors<readonly [string, string, string, string]>('hd/bip39-english-wally.json')
    expect(all.length).toBeGreaterThan(20)
    for (const [entropy, mnemonic, seed, xprv] of all) {
      const sentence = mnemonicBytes(hex(entropy))
      expect(Buffer.from(sentence).toString()).toBe(mnemonic)
      expect(toHex(mnemonicSeed(sentence, utf8('TREZOR')))).toBe(seed)
      expect(publicKeyAt(seed, 'm')).toBe(publicKeyOf(xprv))
    }
  })
})

interface EthersMnemonic {
  readonly locale: string
  readonly phrase: string
  readonly password: string
  readonly entropy: string
  readonly seed: string
  readonly nodes: readonly { readonly path: string; readonly publicKey: string }[]
}

describeVectors('hd/ethers-mnemonics.json')('mnemonics as ethers has them', () => {
  test('sentence, seed and every node', async () => {
    let nodesSeen = 0
    for (const { locale, phrase, password, entropy, seed, nodes } of vectors<EthersMnemonic>('hd/ethers-mnemonics.json')) {
      const sentence = locale === 'en' ? mnemonicBytes(hex(entropy)) : nfkd(Buffer.from(hex(phrase)).toString())
      if (locale === 'en') expect(toHex(sentence)).toBe(toHex(hex(phrase)))
      expect(`0x${toHex(mnemonicSeed(sentence, nfkd(Buffer.from(hex(password)).toString())))}`).toBe(seed)
      for (const node of locale === 'en' ? nodes : nodes.slice(0, 1)) {
        nodesSeen += 1
        expect(`0x${publicKeyAt(seed, node.path)}`).toBe(node.publicKey)
      }
    }
    expect(nodesSeen).toBeGreaterThan(200)
  })
})

describeVectors('hd/bip32.json')('BIP-32', () => {
  const all = vectors<{ readonly seed?: string; readonly path?: string; readonly xpub?: string }>('hd/bip32.json').flatMap(({ seed, path, xpub }) =>
    seed === undefined || path === undefined || xpub === undefined ? [] : [[path, seed, xpub] as const],
  )

  test.each(all)('%s', (path, seed, xpub) => {
    expect(publicKeyAt(seed, path)).toBe(publicKeyOf(xpub))
    if (path !== 'm') expect(publicKeyAt(seed, 'm')).not.toBe(publicKeyOf(xpub))
  })

  test('each root its own fingerprint', () => {
    const seeds = new Set(all.map(([, seed]) => seed))
    expect(new Set([...seeds].map((seed) => toHex(rootFingerprint({ kind: 'mnemonic', entropy: nothing, passphrase: nothing, seed: hex(seed) })))).size).toBe(seeds.size)
  })
})

describeVectors('eth/ethers-accounts.json')('addresses', () => {
  test('of private keys, with their checksum', async () => {
    const { ethereum } = await import('../../lib/chains/ethereum/ethereum.ts')
    const { getPublicKey } = await import('@noble/secp256k1')
    const all = vectors<{ readonly privateKey: string; readonly address: string }>('eth/ethers-accounts.json')
    expect(all.length).toBeGreaterThan(200)
    for (const { privateKey, address } of all) expect(ethereum.address({ path: 'm', publicKey: getPublicKey(hex(privateKey), true), chainCode: null })).toBe(address)
  })

  test('as ethereum/tests has them', async () => {
    const { ethereum } = await import('../../lib/chains/ethereum/ethereum.ts')
    const { getPublicKey } = await import('@noble/secp256k1')
    const { vectors: all } = vectorJson<{ vectors: readonly { readonly key: string; readonly addr: string }[] }>('eth/keyaddr.json') ?? { vectors: [] }
    for (const { key, addr } of all) expect(ethereum.address({ path: 'm', publicKey: getPublicKey(hex(key), true), chainCode: null }).toLowerCase()).toBe(`0x${addr}`)
  })
})
