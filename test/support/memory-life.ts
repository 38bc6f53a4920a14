/** What a wallet's owner does besides signing, and every secret that comes up: imported words and passphrase, PINs, recovery codes, a second factor. */
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { withPrivateKey } from '../../enclave-sim/core/hd.ts'
import { mnemonicBytes } from '../../enclave-sim/core/mnemonic.ts'
import type { CborValue } from '../../lib/protocol/cbor.ts'
import type { Operation } from '../../lib/protocol/header.ts'
import { decodeFactorSecret, decodeWithRecovery, encodeImportParameters } from '../../lib/protocol/lifecycle.ts'
import type { Cloud, LoggedIn } from './cloud.ts'
import type { Secret } from './memory-search.ts'
import { rawCall } from './raw-client.ts'
import { PATH } from './transactions.ts'

const PERMISSIONS = { exportable: true, rawHash: false, withoutChainId: false, anySighash: false }
// Long and random, so that a hit means something.
const randomText = (): Buffer => Buffer.from(randomBytes(24).toString('base64'))

/** @param after called after each operation, with every secret that is known by then */
export async function liveAndLearn(cloud: Cloud, who: LoggedIn, after: (op: Operation, known: readonly Secret[]) => Promise<void>): Promise<readonly Secret[]> {
  const wallet = crypto.randomUUID()
  const [first, second, third] = [randomText(), randomText(), randomText()]
  const [entropy, passphrase] = [new Uint8Array(randomBytes(32)), randomText()]
  const sentence = mnemonicBytes(entropy)
  const seed = pbkdf2Sync(sentence, Buffer.concat([Buffer.from('mnemonic'), passphrase]), 2048, 64, 'sha512')
  const known: Secret[] = [
    ...[first, second, third].map((bytes): Secret => ({ kind: 'PIN', bytes, text: true })),
    { kind: 'mnemonic', bytes: sentence, text: 'prose' },
    { kind: 'passphrase', bytes: passphrase, text: true },
    { kind: 'entropy', bytes: entropy, scalar: true },
    { kind: 'seed', bytes: seed, scalar: true },
    { kind: 'account private key', bytes: withPrivateKey(seed, 'secp256k1', PATH, ({ privateKey }) => privateKey.slice()), scalar: true },
  ]
  const call = async (op: Operation, pin: Uint8Array, parameters: CborValue, learn?: (result: CborValue) => Secret): Promise<void> => {
    const { sealed } = await rawCall(cloud, who, { op, wallet, pin: pin.slice(), parameters })
    if (sealed?.ok !== true) throw new Error(`${op} was refused`)
    if (learn !== undefined) known.push(learn(sealed.result))
    await after(op, known)
  }
  const code = (result: CborValue): Secret => ({ kind: 'recovery code', bytes: decodeWithRecovery(result)?.recovery as Uint8Array })
  const secret = { kind: 'mnemonic', mnemonic: sentence, passphrase } as const
  await call('import', first, encodeImportParameters({ secret, label: '', recovery: true, permissions: PERMISSIONS }), code)
  await call('changePin', first, { pin: second.subarray() })
  await call('renewRecovery', second, {}, code)
  await call('recover', third, { code: (known.at(-1) as Secret).bytes.slice(), removeFactor: false }, code)
  for (const what of ['mnemonic', 'backup'] as const) await call('export', third, { what, path: null })
  await call('export', third, { what: 'privateKey', path: PATH })
  await call('enrolFactor', third, { operations: ['export'] }, (result) => ({ kind: 'factor secret', bytes: decodeFactorSecret(result)?.secret as Uint8Array }))
  return known
}
