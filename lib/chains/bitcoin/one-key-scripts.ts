/** Output scripts of accounts of one key, each computed once: taproot's takes a millisecond, and PSBTs name thousands of scripts. */
import { toHex } from '../../protocol/bytes.ts'
import type { AccountKeys } from './keys.ts'
import { formOf, scriptOf, type ScriptType } from './scripts.ts'

interface OneKeyScript {
  readonly account: AccountKeys
  readonly type: ScriptType
}

/** Finds whose an output script is; the first of the accounts where several have the key. Nothing is computed for types that no script asks for. */
export type OneKeyScripts = (script: Uint8Array) => OneKeyScript | undefined

export function oneKeyScripts(accounts: readonly AccountKeys[]): OneKeyScripts {
  const byType = new Map<ScriptType, ReadonlyMap<string, OneKeyScript>>()
  return (script) => {
    const type = formOf(script)
    if (type === undefined) return undefined
    const found = byType.get(type) ?? scriptsOf(type, accounts)
    byType.set(type, found)
    return found.get(toHex(script))
  }
}

function scriptsOf(type: ScriptType, accounts: readonly AccountKeys[]): ReadonlyMap<string, OneKeyScript> {
  const found = new Map<string, OneKeyScript>()
  for (const account of accounts) {
    if (account.only === null || !account.parsed.scripts.includes(type)) continue
    const script = toHex(scriptOf(type, account.only.publicKey))
    if (!found.has(script)) found.set(script, { account, type })
  }
  return found
}
