/**
 * The backup file: a wallet's secret, sealed to its recovery code, for restoring without any server (docs/protocol.md, section 13).
 *
 * JSON in UTF-8 with exactly the fields of {@link BackupFile}; what is sealed is the wallet's secret (wallet-secret.ts), and the AAD is
 * deterministic CBOR of every other field, so that none can be changed.
 */
import { toBase64url, utf8 } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { array, attempt, base64url, integer, Malformed, object, text } from './fields.ts'
import { WALLET_ID } from './header.ts'
import { LIMITS } from './limits.ts'
import { NAMESPACE, PATH } from './operations.ts'
import { openWithCode, sealToCode } from './recovery-seal.ts'

export interface BackupContent {
  readonly wallet: string
  /** Of the wallet's root public key, 32 bytes. */
  readonly fingerprint: Uint8Array
  readonly createdAtMs: number
  /** What the wallet had, so that a restore can show that it found the same. */
  readonly accounts: readonly { readonly namespace: string; readonly path: string; readonly address: string }[]
}

export interface BackupFile extends BackupContent {
  readonly sealed: Uint8Array
}

const FORMAT = 'cloister-backup'
const VERSION = 1

function binding({ wallet, fingerprint, createdAtMs, accounts }: BackupContent): Uint8Array<ArrayBuffer> {
  const named = accounts.map(({ namespace, path, address }) => ({ namespace, path, address }))
  return encodeCbor({ format: FORMAT, version: VERSION, wallet, fingerprint, createdAt: createdAtMs, accounts: named })
}

/** @param publicKey of the recovery code, 32 bytes */
export async function makeBackup(content: BackupContent, secret: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = await sealToCode(publicKey, secret, 'backup', binding(content))
  const { wallet, fingerprint, createdAtMs, accounts } = content
  const named = accounts.map(({ namespace, path, address }) => ({ namespace, path, address }))
  const file = { format: FORMAT, version: VERSION, wallet, fingerprint: toBase64url(fingerprint), createdAt: createdAtMs, accounts: named, sealed: toBase64url(sealed) }
  return utf8(`${JSON.stringify(file, null, 2)}\n`)
}

/** Returns `undefined` for what is no backup file. */
export function readBackup(file: Uint8Array): BackupFile | undefined {
  return attempt(() => {
    const fields = object(parse(file), ['format', 'version', 'wallet', 'fingerprint', 'createdAt', 'accounts', 'sealed'])
    if (fields['format'] !== FORMAT) throw new Malformed()
    integer(fields['version'], VERSION, VERSION)
    return {
      wallet: text(fields['wallet'], WALLET_ID),
      fingerprint: base64url(fields['fingerprint'], 32),
      createdAtMs: integer(fields['createdAt'], 0, Number.MAX_SAFE_INTEGER),
      accounts: array(fields['accounts'], LIMITS.maxAccounts, (item) => {
        const account = object(item, ['namespace', 'path', 'address'])
        return { namespace: text(account['namespace'], NAMESPACE), path: text(account['path'], PATH), address: text(account['address'], /^[a-zA-Z0-9]{1,128}$/) }
      }),
      sealed: base64url(fields['sealed'], 48, 1024),
    }
  })
}

/** The wallet's secret, to be wiped; `undefined` when the code is not the file's, or the file was changed. @param code 16 bytes */
export function openBackup(file: BackupFile, code: Uint8Array): Promise<Uint8Array | undefined> {
  return openWithCode(code, file.sealed, 'backup', binding(file))
}

function parse(file: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file))
  } catch {
    throw new Malformed()
  }
}
