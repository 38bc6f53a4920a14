/** The offline exit: a backup file, a recovery code, and nothing else. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { restore } from '../../client/cli/restore.ts'
import { decodeExportResult } from '../../lib/protocol/lifecycle.ts'
import { formatRecoveryCode, parseRecoveryCode } from '../../lib/protocol/recovery-code.ts'
import { createTestClient } from '../support/core-client.ts'
import { ABANDON, done, importWallet, key16, mnemonic } from '../support/core-life.ts'
import { createWorld, type World } from '../support/core-world.ts'
import { fromHex, toHex } from '../../lib/protocol/bytes.ts'
import type { ImportedSecret } from '../../lib/protocol/lifecycle.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

async function backedUp(secret: ImportedSecret): Promise<{ file: Uint8Array; code: string; accounts: readonly { address: string }[] }> {
  const client = createTestClient(world, await world.enclave(), await world.login())
  const { wallet, recovery, view } = await importWallet(client, secret, { recovery: true, permissions: { exportable: true } })
  const exported = await done(client, decodeExportResult, { op: 'export', wallet, parameters: { what: 'backup', path: null } })
  if (exported.kind !== 'backup') throw new Error(exported.kind)
  return { file: exported.file, code: await formatRecoveryCode(recovery as Uint8Array), accounts: view.accounts }
}

describe('a recovery code on paper', () => {
  test('is read back, in any case, with or without separators, and with letters that look like digits', async () => {
    for (let i = 0; i < 50; i++) {
      const code = key16()
      const text = await formatRecoveryCode(code)
      expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/)
      for (const typed of [text, text.toLowerCase(), text.replace(/-/g, ''), text.replace(/-/g, ' '), text.replace(/1/g, 'l').replace(/0/g, 'o')]) {
        expect(toHex((await parseRecoveryCode(typed)) as Uint8Array)).toBe(toHex(code))
      }
    }
  })

  test('mistyped, it is found out: a wrong character, two swapped, one missing, one more', async () => {
    const text = (await formatRecoveryCode(new Uint8Array(16).map((_, i) => 17 * i))).replace(/-/g, '')
    let taken = 0
    for (let i = 0; i < text.length; i++) {
      for (const other of '02468ACEGJMPRTVXZ') if (other !== text[i]) taken += (await parseRecoveryCode(text.slice(0, i) + other + text.slice(i + 1))) === undefined ? 0 : 1
      expect(await parseRecoveryCode(text.slice(0, i) + text.slice(i + 1))).toBeUndefined()
      expect(await parseRecoveryCode(`${text.slice(0, i)}U${text.slice(i + 1)}`)).toBeUndefined()
    }
    expect(taken).toBeLessThanOrEqual(2) // 12 bits: one mistake in 4,096 goes unseen
    expect(await parseRecoveryCode(`${text}0`)).toBeUndefined()
    expect(await parseRecoveryCode('')).toBeUndefined()
  })
})

test('a mnemonic comes back, and every address with it', async () => {
  const { file, code, accounts } = await backedUp(mnemonic(ABANDON, 'TREZOR'))
  const restored = await restore(file, code)
  expect(restored).toMatchObject({ kind: 'mnemonic', mnemonic: ABANDON, passphrase: 'TREZOR' })
  expect(restored.accounts.map(({ address, matches }) => [address, matches])).toEqual(accounts.map(({ address }) => [address, true]))
})

test('one private key comes back', async () => {
  const key = fromHex('4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318') as Uint8Array
  const { file, code } = await backedUp({ kind: 'secp256k1', key })
  const restored = await restore(file, code)
  expect([restored.mnemonic, restored.privateKey('eip155', 'm')]).toEqual([null, toHex(key)])
  expect(() => restored.privateKey('eip155', "m/44'/60'/0'/0/0")).toThrow('one key')
})

test('rejects another code, a mistyped one, and a file that was changed', async () => {
  const { file, code } = await backedUp(mnemonic())
  const text = new TextDecoder().decode(file)
  const encode = (changed: string): Uint8Array => new TextEncoder().encode(changed)
  await expect(restore(file, await formatRecoveryCode(key16()))).rejects.toThrow('not the one')
  await expect(restore(file, code.slice(0, -1))).rejects.toThrow('mistyped')
  await expect(restore(encode(text.replace('0x9858', '0x9859')), code)).rejects.toThrow('was changed')
  for (const bad of ['', '{}', '[]', text.replace('cloister-backup', 'other'), text.replace('"version": 1', '"version": 2'), text.replace('{', '{"more":1,')]) {
    await expect(restore(encode(bad), code)).rejects.toThrow('not a Cloister backup')
  }
})

test('the command line prints what opens the wallet elsewhere, and says what is wrong', async () => {
  const { file, code } = await backedUp(mnemonic())
  const folder = mkdtempSync(join(tmpdir(), 'cloister-recover-'))
  try {
    const path = join(folder, 'backup.json')
    writeFileSync(path, file)
    const right = await run(['recover', path, '--private-keys'], code)
    expect(right).toMatchObject({ status: 0 })
    expect(right.stdout).toContain(`mnemonic    ${ABANDON}`)
    expect(right.stdout).toMatch(/eip155 {2}m\/44'\/60'\/0'\/0\/0 {2}0x9858EfFD232B4033E47d90003D41EC34EcaEda94 {2}found again\n {12}[0-9a-f]{64}/)
    const wrong = await run(['recover', path], `${await formatRecoveryCode(key16())}\n`)
    expect([wrong.status, wrong.stdout]).toEqual([1, ''])
    expect((await run([], '')).status).toBe(2)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function run(args: readonly string[], input: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(__dirname, '..', '..', 'client', 'cli', 'main.ts'), ...args], (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr })
    })
    child.stdin?.end(input)
  })
}
