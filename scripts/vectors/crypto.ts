/**
 * Primitives, each as the project calls it: node:crypto as in enclave-sim/core, WebCrypto as in lib/protocol and
 * lib/attestation, noble as in enclave-sim/core/keys.ts. What the project never calls (other curves, hashes, key sizes)
 * is skipped.
 */
import { checkAesGcm, checkHkdf, checkHmac, checkPbkdf2, checkRsaOaep, checkX25519 } from './crypto-primitives.ts'
import { checkEcdsaVerify } from './crypto-ecdsa.ts'
import { checkNonce, checkRfc6979 } from './crypto-secp256k1.ts'
import { isObject, list, object, text, UnknownShape, type Json } from './fields.ts'
import { checkEach, eachFile, type Folder, type RunFolder, type VectorFile } from './folder.ts'
import { skip, type Report } from './report.ts'
import { checkEddsaVerify } from './sol-ed25519.ts'

/**
 * One Wycheproof test: `group` holds what all tests of a key or a size share. `expected`: valid, invalid, acceptable.
 */
export interface Wycheproof {
  readonly folder: Folder
  readonly algorithm: string
  readonly group: Json
  readonly test: Json
  readonly expected: string
}

type Check = (vector: Wycheproof) => void | Promise<void>

const BY_TYPE: Readonly<Record<string, Check>> = {
  AeadTest: checkAesGcm,
  EcdhTest: () => skip('no ECDH on that curve is used'),
  EcdsaBitcoinVerify: checkEcdsaVerify,
  EcdsaP1363Verify: checkEcdsaVerify,
  EcdsaVerify: checkEcdsaVerify,
  EddsaVerify: checkEddsaVerify,
  HkdfTest: checkHkdf,
  MacTest: checkHmac,
  PbkdfTest: checkPbkdf2,
  RsaesOaepDecrypt: checkRsaOaep,
  RsassaPkcs1Verify: () => skip('RSA signatures are used in JWS alone: see jwt'),
  RsassaPssVerify: () => skip('RSA signatures are used in JWS alone: see jwt'),
  XdhComp: checkX25519,
  XdhJwkComp: () => skip('X25519 keys are never JWKs here'),
}

export const runCrypto: RunFolder = (folder, report) =>
  eachFile(folder, report, async (file) => {
    if (Array.isArray(file.meta['groups'])) return runWycheproof(folder, file, report)
    for (const [index, vector] of file.vectors.entries()) {
      if (isObject(vector) && 'k0' in vector) await checkNonce(report, file.path, index, vector)
      else if (isObject(vector) && 'kind' in vector) await checkRfc6979(report, file.path, index, vector)
      else report.skip(file.path, 'unknown shape: neither groups nor RFC 6979')
    }
  })

async function runWycheproof(folder: Folder, file: VectorFile, report: Report): Promise<void> {
  const groups = list(file.meta['groups'], 'groups')
  const algorithm = /wycheproof-(.+)\.json$/.exec(file.path)?.[1] ?? ''
  await checkEach(report, file, (test) => {
    const group = object(groups[Number(test['group'])], 'the group')
    const type = text(group, 'type')
    const check = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : undefined
    if (check === undefined) throw new UnknownShape('another type of group')
    return check({ folder, algorithm, group, test, expected: text(test, 'result') })
  })
}
