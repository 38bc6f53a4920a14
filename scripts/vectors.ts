/**
 * Program: `npm run vectors -- <folder>`. Runs a folder of test vectors (an index.json, and a folder for each subject)
 * through the project's own public functions. Prints `FAIL <file> <id>: <why>` for each vector that fails, `SKIP
 * <file>: <why>` for what doesn't apply, and last `N passed, N failed, N skipped`. Exits with 1 when one failed, with 2
 * when there is no such folder.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from './vectors/fields.ts'
import type { Folder, RunFolder } from './vectors/folder.ts'
import { createReport, type Report } from './vectors/report.ts'
import { runArgon2 } from './vectors/argon2.ts'
import { runAttestation, runInvalidAttestation } from './vectors/attestation.ts'
import { runBtc } from './vectors/btc.ts'
import { runCms } from './vectors/cms.ts'
import { runCose } from './vectors/cose.ts'
import { runCrypto } from './vectors/crypto.ts'
import { runEth } from './vectors/eth.ts'
import { runHd } from './vectors/hd.ts'
import { runHpke } from './vectors/hpke.ts'
import { runJwt } from './vectors/jwt.ts'
import { runNsm } from './vectors/nsm.ts'
import { runSol } from './vectors/sol.ts'
import { runX509 } from './vectors/x509.ts'

const FOLDERS: Readonly<Record<string, RunFolder>> = {
  argon2: runArgon2,
  attestation: runAttestation,
  'attestation-invalid': runInvalidAttestation,
  btc: runBtc,
  cms: runCms,
  cose: runCose,
  crypto: runCrypto,
  eth: runEth,
  hd: runHd,
  hpke: runHpke,
  jwt: runJwt,
  nsm: runNsm,
  sol: runSol,
  x509: runX509,
}
/** At the top: what describes or roots the vectors, and holds none. */
const NO_VECTORS = /^(index\.json|README(\.md|\.txt)?|.+\.(der|pem))$/

const root = process.argv[2]
if (root === undefined || process.argv.length > 3 || !statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
  console.error('usage: npm run vectors -- <folder>')
  process.exit(2)
}
process.exit(await run(root, createReport(console.log)))

async function run(from: string, report: Report): Promise<number> {
  const paths = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(from, '/').length).replaceAll('\\', '/'))
    .sort()
  const read = (path: string): Uint8Array | undefined => {
    try {
      return paths.includes(path) ? new Uint8Array(readFileSync(join(from, path))) : undefined
    } catch {
      return undefined // a link to nowhere, or not for us to read
    }
  }

  for (const path of paths.filter((one) => !one.includes('/') && !NO_VECTORS.test(one))) report.skip(path, 'unknown file')
  const missing = listed(read('index.json')).filter((one) => !paths.includes(one))
  for (const name of missing) report.skip(name, 'named in index.json, and not here')
  report.flush()
  for (const name of new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0] as string))) {
    await runFolder({ name, files: paths.filter((path) => path.startsWith(`${name}/`)), read }, report)
    report.flush()
  }
  const { passed, failed, skipped } = report.counts()
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed > 0 ? 1 : 0
}

/** A folder that can't be walked counts as one failure: the others still get their turn. */
async function runFolder(folder: Folder, report: Report): Promise<void> {
  const runner = Object.hasOwn(FOLDERS, folder.name) ? FOLDERS[folder.name] : undefined
  if (runner === undefined) return report.skip(`${folder.name}/`, 'unknown folder', folder.files.length)
  let reason: unknown
  await runner(folder, report).catch((error: unknown) => (reason = error ?? new Error('nothing')))
  if (reason !== undefined) await report.check(`${folder.name}/`, '*', () => Promise.reject(reason))
}

/** The files that index.json names; none if it isn't one. */
function listed(bytes: Uint8Array | undefined): readonly string[] {
  try {
    const entries: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (!Array.isArray(entries)) return []
    return entries.map((entry: unknown) => (isObject(entry) ? entry['file'] : undefined)).filter((file) => typeof file === 'string')
  } catch {
    return []
  }
}
