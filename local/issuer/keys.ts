/** The issuer's signing keys (RS256, RSA-2048), the current one first, and the keys of its cookies. They outlive a restart. */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { readJson, writeJson } from '../state.ts'

export interface IssuerKeys {
  /** Private JWKs. */
  readonly signing: readonly JWK[]
  readonly cookies: readonly string[]
}

const generate = promisify(generateKeyPair)

export async function openKeys(dir: string): Promise<IssuerKeys> {
  const saved = (await readJson(fileIn(dir))) as IssuerKeys | undefined
  if (saved === undefined) return save(dir, { signing: [await makeKey()], cookies: [randomBytes(32).toString('base64url')] })
  if (!Array.isArray(saved.signing) || saved.signing.length === 0 || !Array.isArray(saved.cookies)) throw new Error('issuer.json is damaged')
  return saved
}

/** Puts a new key in front. The one before stays, for what it signed; or goes, with `keepPrevious` false. */
export async function rotate(dir: string, keys: IssuerKeys, keepPrevious: boolean): Promise<IssuerKeys> {
  return save(dir, { ...keys, signing: [await makeKey(), ...(keepPrevious ? keys.signing.slice(0, 1) : [])] })
}

async function makeKey(): Promise<JWK> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' }) as JWK
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'RS256', use: 'sig' }
}

async function save(dir: string, keys: IssuerKeys): Promise<IssuerKeys> {
  await writeJson(fileIn(dir), keys)
  return keys
}

function fileIn(dir: string): string {
  return join(dir, 'issuer.json')
}
