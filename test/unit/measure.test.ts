import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENCLAVE_NODE_ARGS } from '../../enclave-sim/image/args.ts'
import { buildImage } from '../../enclave-sim/image/build.ts'
import { archiveImage, readImageFiles } from '../../enclave-sim/image/files.ts'
import { measureConfiguration, measureEif, measureImage, measureParent } from '../../enclave-sim/image/measure.ts'
import { concat, toHex, utf8 } from '../../lib/protocol/bytes.ts'

const dirs: string[] = []
const newDir = (files: Record<string, string> = {}): string => {
  const dir = mkdtempSync(join(tmpdir(), 'cloister-test-image-'))
  dirs.push(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })))

const sha384 = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(createHash('sha384').update(concat(...parts)).digest())
const ext = (data: Uint8Array): string => toHex(sha384(new Uint8Array(48), data))
const NO_OTHER_RAMDISK = '21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a'

const kernel = () => createHash('sha384').update('kernel')

describe('EIF measurements', () => {
  const [one, two, three] = [utf8('one'), utf8('two'), utf8('three')]

  test('one ramdisk: PCR0 is PCR1, and PCR2 the constant that real images without another one have', () => {
    const expected = ext(sha384(utf8('kernelcmdline'), one))
    expect(measureEif({ kernel: kernel(), commandLine: 'cmdline', ramdisks: [one] })).toEqual({ pcr0: expected, pcr1: expected, pcr2: NO_OTHER_RAMDISK })
  })

  test('several ramdisks: PCR0 takes all, PCR1 the first, PCR2 the others', () => {
    expect(measureEif({ kernel: kernel(), commandLine: 'cmdline', ramdisks: [one, two, three] })).toEqual({
      pcr0: ext(sha384(utf8('kernelcmdline'), one, two, three)),
      pcr1: ext(sha384(utf8('kernelcmdline'), one)),
      pcr2: ext(sha384(two, three)),
    })
  })

  test('the parent: its text without an inner hash', () => {
    expect(toHex(measureParent('i-0'))).toBe(ext(utf8('i-0')))
  })

  test('the configuration: as ExtendPCR of its hash leaves PCR16', () => {
    expect(measureConfiguration(utf8('{}'))).toBe(ext(sha384(utf8('{}'))))
  })
})

describe('image files', () => {
  test('the archive: names sorted, lengths before contents', async () => {
    const dir = newDir({ 'b.mjs': 'two', 'a.node': '1' })
    const files = await readImageFiles(dir)
    expect(files.map(({ name }) => name)).toEqual(['a.node', 'b.mjs'])
    expect(toHex(archiveImage(files))).toBe(toHex(utf8('cloister image 1\n')) +
      '00000006' + toHex(utf8('a.node')) + '0000000000000001' + toHex(utf8('1')) +
      '00000005' + toHex(utf8('b.mjs')) + '0000000000000003' + toHex(utf8('two')))
  })

  test('rejects an empty folder, a subfolder, a link and a name out of bounds', async () => {
    await expect(readImageFiles(newDir())).rejects.toThrow('empty')
    const [folder, link] = [newDir({ 'a.mjs': '1' }), newDir({ 'a.mjs': '1' })]
    mkdirSync(join(folder, 'sub'))
    symlinkSync(join(link, 'a.mjs'), join(link, 'b.mjs'))
    for (const dir of [folder, link, newDir({ '.hidden': '1' }), newDir({ 'A.mjs': '1' }), newDir({ 'a b': '1' })]) {
      await expect(readImageFiles(dir)).rejects.toThrow('something else')
    }
  })
})

describe('measureImage', () => {
  const node = join(newDir({ node: 'the kernel' }), 'node')
  const files = { 'argon2.node': 'native code', 'enclave.mjs': 'program' }
  const measure = (changed: Record<string, string> = {}, nodePath = node, args: string[] = ['--flag']) =>
    measureImage(newDir({ ...files, ...changed }), nodePath, args)

  test('is the EIF construction over executable, arguments and archive', async () => {
    const archive = archiveImage(Object.entries(files).map(([name, text]) => ({ name, bytes: utf8(text) })))
    const expected = ext(sha384(utf8('the kernel'), utf8('--flag enclave.mjs'), archive))
    expect(await measure()).toEqual({ pcr0: expected, pcr1: expected, pcr2: NO_OTHER_RAMDISK })
  })

  test('changes with one byte of any file, with a name, a further file, the executable and the arguments', async () => {
    const otherNode = join(newDir({ node: 'the kernfl' }), 'node')
    const { 'argon2.node': argon2, ...rest } = files
    const all = await Promise.all([
      measure(),
      measure({ 'argon2.node': 'native codf' }),
      measure({ 'enclave.mjs': 'progral' }),
      measure({ 'extra.node': '' }),
      measureImage(newDir({ ...rest, 'argon3.node': argon2 }), node, ['--flag']),
      measure({}, otherNode),
      measure({}, node, []),
      measure({}, node, ['--flag', '--inspect']),
    ])
    expect(new Set(all.map(({ pcr0 }) => pcr0)).size).toBe(all.length)
    expect(await measure()).toEqual(all[0])
  })

  test('rejects arguments that could be read in two ways', async () => {
    await expect(measure({}, node, ['--a --b'])).rejects.toThrow('white space')
    await expect(measure({}, node, [''])).rejects.toThrow('white space')
  })
})

describe('buildImage', () => {
  const modules = join(process.cwd(), 'node_modules')
  const entry = `
    import { hashRaw } from '@node-rs/argon2'
    import { CipherSuite, KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM } from 'hpke'
    import { label } from './label.ts'
    const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
    const { publicKey } = await suite.GenerateKeyPair()
    const hash = await hashRaw(new TextEncoder().encode('pin'), { memoryCost: 1024, timeCost: 1, salt: new Uint8Array(16) })
    const denied = (attempt: () => unknown): string => { try { attempt(); return 'allowed' } catch { return 'denied' } }
    const fs = process.getBuiltinModule('node:fs')
    console.log(JSON.stringify({
      label: label satisfies string, argon2: Buffer.from(hash).toString('hex'), hpke: (await suite.SerializePublicKey(publicKey)).length,
      code: denied(() => (0, eval)('1')), read: denied(() => fs.readFileSync('/etc/hostname')), write: denied(() => fs.writeFileSync('x', '')),
      child: denied(() => process.getBuiltinModule('node:child_process').spawnSync('true')), proto: '__proto__' in {}, env: Object.keys(process.env),
    }))`

  /** A project of its own, with its own packages, as another checkout would have them. */
  function project(...at: string[]): string {
    const root = join(newDir(), ...at)
    for (const name of ['hpke', '@node-rs']) cpSync(join(modules, name), join(root, 'node_modules', name), { recursive: true })
    writeFileSync(join(root, 'package.json'), '{"type":"module"}')
    writeFileSync(join(root, 'main.ts'), entry)
    writeFileSync(join(root, 'label.ts'), "export const label: string = 'it runs'\n")
    return root
  }

  test('gives the same bytes in another folder, and other bytes for other sources', async () => {
    const [one, other] = [project(), project('some', 'where', 'else')]
    const [first, second] = [newDir(), newDir()]
    const built = await buildImage({ root: one, entry: 'main.ts', outDir: first })
    expect(built.files.map(({ name }) => name)).toEqual(['argon2.node', 'enclave.mjs'])
    expect(await buildImage({ root: other, entry: join(other, 'main.ts'), outDir: second })).toEqual(built)
    expect(readFileSync(join(second, 'enclave.mjs'), 'utf8')).not.toContain(tmpdir())
    expect(await measureImage(first, process.execPath, ENCLAVE_NODE_ARGS)).toEqual(await measureImage(second, process.execPath, ENCLAVE_NODE_ARGS))

    writeFileSync(join(other, 'tsconfig.json'), '{"compilerOptions":{"target":"es5","jsx":"react"}}')
    expect(await buildImage({ root: other, entry: 'main.ts', outDir: second })).toEqual(built)
    writeFileSync(join(other, 'label.ts'), "export const label: string = 'it walks'\n")
    expect(await buildImage({ root: other, entry: 'main.ts', outDir: second })).not.toEqual(built)
  })

  test('gives a program that runs from its folder alone, with native Argon2, and can do no more than it should', async () => {
    const outDir = newDir()
    await buildImage({ root: project(), entry: 'main.ts', outDir })
    const out = execFileSync(process.execPath, [...ENCLAVE_NODE_ARGS, 'enclave.mjs'], { cwd: outDir, env: {}, encoding: 'utf8' })
    expect(JSON.parse(out)).toEqual({
      label: 'it runs', hpke: 32,
      // argon2id, v=19, m=1024, t=1, p=1, salt of 16 zero bytes
      argon2: toHex(await expectedHash()),
      code: 'denied', read: 'denied', write: 'denied', child: 'denied', proto: false, env: [],
    })
  })

  test('rejects an output folder with other things in it, and touches nothing there', async () => {
    const outDir = newDir({ 'enclave.mjs': 'old', 'notes.txt': 'mine' })
    await expect(buildImage({ root: process.cwd(), entry: 'main.ts', outDir })).rejects.toThrow('something else')
    expect(readFileSync(join(outDir, 'enclave.mjs'), 'utf8')).toBe('old')
  })

  test('rejects an entry that is not there', async () => {
    await expect(buildImage({ root: project(), entry: 'nothing.ts', outDir: newDir() })).rejects.toThrow('Build failed')
  })
})

async function expectedHash(): Promise<Uint8Array> {
  const { argon2Sync } = await import('node:crypto')
  const options = { message: utf8('pin'), nonce: new Uint8Array(16), parallelism: 1, tagLength: 32, memory: 1024, passes: 1 }
  return argon2Sync('argon2id', options)
}
