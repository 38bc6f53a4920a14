/** `npm run vectors`: what it prints and how it exits, on small folders of its own; and, where the real vectors are, that it notices altered ones. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(__dirname, '../..')
const shared = join(root, '../shared/vectors')
const present = existsSync(join(shared, 'index.json'))
if (!present) process.stdout.write('vectors are not here: that altered ones are noticed is not tested\n')

const dirs: string[] = []
afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })))

type Content = string | Uint8Array | object

function folderOf(files: Readonly<Record<string, Content>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'cloister-test-vectors-'))
  dirs.push(dir)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  }
  return dir
}

function run(...args: readonly string[]): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'scripts/vectors.ts'), ...args], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n') }
}

const ONE = { name: 'one', privateKey: `0x${'1'.padStart(64, '0')}`, address: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf' }

describe('small folders', () => {
  test('a failing vector, files and folders nobody knows, unknown shapes: a line each, the count last, exit 1', () => {
    const dir = folderOf({
      'index.json': [{ file: 'eth/accounts.json' }, { file: 'eth/gone.json' }],
      'note.txt': 'hello',
      'eth/accounts.json': { meta: {}, vectors: [ONE, { ...ONE, name: 'not\none', address: ONE.address.replace('f', 'e') }, 5, { odd: 1 }, { ...ONE, privateKey: 7 }] },
      'eth/broken.json': '{',
      'eth/list.json': [1],
      'eth/image.bin': new Uint8Array(9),
      'jwt/groups.json': { vectors: [{ group: 0, jws: 'a.b.c', result: 'invalid' }, {}] },
      'sol/two.json': { vectors: [{}, {}] },
      'poetry/deep/verse.json': { vectors: [1, 2, 3] },
      'attestation/noise.cbor': new Uint8Array(9),
    })
    const { status, lines } = run(dir)
    expect(status).toBe(1)
    expect(lines).toEqual([
      'SKIP note.txt: unknown file',
      'SKIP eth/gone.json: named in index.json, and not here',
      'SKIP attestation/noise.cbor: aws_nitro_root_g1.der is not here',
      'FAIL eth/accounts.json not one: another address',
      'SKIP eth/accounts.json: unknown shape: not a vector',
      'SKIP eth/accounts.json: unknown shape: no Ethereum vector that is known',
      'SKIP eth/accounts.json: unknown shape: privateKey is not hex',
      'SKIP eth/broken.json: unknown shape: not JSON',
      'SKIP eth/image.bin: unknown shape: not a vector file',
      'SKIP eth/list.json: unknown shape: the file is not an object',
      'SKIP jwt/groups.json: 2 × unknown shape: groups is not a list',
      'SKIP poetry/: unknown folder',
      'SKIP sol/two.json: 2 × unknown shape: no Solana vector that is known',
      '1 passed, 1 failed, 14 skipped',
    ])
  })

  test('nothing failed: exit 0', () => {
    expect(run(folderOf({ 'eth/accounts.json': { vectors: [ONE] } }))).toEqual({ status: 0, lines: ['1 passed, 0 failed, 0 skipped'] })
    expect(run(folderOf({}))).toEqual({ status: 0, lines: ['0 passed, 0 failed, 0 skipped'] })
  })

  test('no folder: exit 2', () => {
    expect(run().status).toBe(2)
    expect(run(join(folderOf({}), 'none')).status).toBe(2)
    expect(run(folderOf({}), 'more').status).toBe(2)
  })
})

type Vector = Record<string, never>
interface File {
  meta: Record<string, unknown>
  vectors: Vector[]
}

const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(shared, name)))
const json = (name: string): unknown => JSON.parse(readFileSync(join(shared, name), 'utf8'))

/** The first vectors of a file that `choose` likes, and the same ones altered: the former must pass, the latter fail. */
function twins(name: string, count: number, choose: (vector: Vector) => boolean, alter: (vector: Vector) => object): readonly [string, object, object] {
  const { meta, vectors } = json(name) as File
  const chosen = vectors.filter(choose).slice(0, count)
  return [name, { meta, vectors: chosen }, { meta, vectors: chosen.map((vector) => ({ ...vector, ...alter(vector) })) }]
}

/** Another last digit. */
const other = (text: unknown): string => `${String(text).slice(0, -1)}${String(text).endsWith('0') ? '1' : '0'}`
const flip = ({ result }: Vector): object => ({ result: result === 'valid' ? 'invalid' : 'valid' })
const anything = (): boolean => true

const suite = present ? describe : describe.skip

suite('altered vectors', () => {
  const CASES = present
    ? [
        twins('crypto/wycheproof-aes_gcm.json', 4, (v) => String(v['key']).length === 64 && String(v['iv']).length === 24, flip),
        twins('crypto/wycheproof-hkdf_sha256.json', 3, anything, (v) => ({ okm: other(v['okm']) })),
        twins('crypto/wycheproof-hmac_sha256.json', 3, (v) => v['result'] === 'valid', (v) => ({ tag: other(v['tag']) })),
        twins('crypto/wycheproof-pbkdf2_hmacsha512.json', 2, anything, (v) => ({ dk: other(v['dk']) })),
        twins('crypto/wycheproof-rsa_oaep_2048_sha256_mgf1sha256.json', 3, (v) => v['label'] === '', flip),
        twins('crypto/wycheproof-x25519.json', 3, (v) => v['result'] === 'valid', (v) => ({ shared: other(v['shared']) })),
        twins('crypto/wycheproof-ecdsa_secp384r1_sha384.json', 8, anything, flip),
        twins('crypto/wycheproof-ecdsa_secp384r1_sha384_p1363.json', 5, anything, flip),
        twins('crypto/wycheproof-ecdsa_secp256r1_sha256_p1363.json', 5, anything, flip),
        twins('crypto/wycheproof-ecdsa_secp256k1_sha256_p1363.json', 5, (v) => v['result'] === 'invalid', flip),
        twins('crypto/secp256k1-ecdsa-rfc6979.json', 3, anything, (v) => ({ signature: other(v['signature']) })),
        twins('crypto/wycheproof-ed25519.json', 5, anything, flip),
        twins('sol/ed25519-djb-signinput.json', 4, anything, (v) => ({ sig: other(v['sig']) })),
        twins('hd/slip10.json', 4, (v) => String(v['curve']) === 'ed25519', (v) => ({ public: other(v['public']) })),
        twins('crypto/rfc6979-secp256k1-k.json', 2, anything, (v) => ({ message: `${String(v['message'])}!` })),
        twins('eth/ethers-transactions.json', 1, anything, (v) => ({ privateKey: other(v['privateKey']) })),
        twins('eth/ethers-rlp.json', 3, (v) => v['encoded'] !== '0x80' && typeof v['decoded'] === 'string', (v) => ({ decoded: other(v['decoded']) })),
        twins('eth/ethers-typed-data.json', 3, anything, (v) => ({ digest: other(v['digest']) })),
        twins('eth/ethsigutil-eip712-v4.json', 2, (v) => v['fn'] as unknown === 'signTypedData' && /"true" \(type "boolean"\)|custom type$/.test(v['test'] ?? ''), (v) => ({ result: other(v['result']) })),
        twins('eth/ethsigutil-personal.json', 3, (v) => v['result'] !== undefined, (v) => ({ result: other(v['result']) })),
        twins('eth/rlp-tests.json', 3, (v) => v['valid'] as unknown === true, () => ({ valid: false })),
        twins('hd/bip32.json', 3, (v) => v['xprv'] !== undefined, (v) => ({ seed: other(v['seed']) })),
        twins('hd/bip39-trezor.json', 2, anything, (v) => ({ entropy: `ff${String(v['entropy']).slice(2)}`, mnemonic: `${String(v['mnemonic'])} zoo`, xprv: 'x' })),
        twins('jwt/wycheproof-json_web_signature.json', 4, (v) => v['comment'] === 'normalPayload', flip),
        twins('x509/limbo.json', 1, (v) => v['id'] === 'rfc5280::ee-aia', () => ({ id: 'renamed', expected_result: 'FAILURE' })),
      ]
    : []

  const counts = (lines: readonly string[]): readonly number[] =>
    (/^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(lines.at(-1) ?? '') ?? []).slice(1).map(Number)

  test('the real ones pass', () => {
    const files = Object.fromEntries(CASES.map(([name, real]) => [name, real]))
    const { lines } = run(folderOf({ 'aws_nitro_root_g1.der': bytes('aws_nitro_root_g1.der'), ...files }))
    const [passed, failed] = counts(lines)
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([])
    expect(failed).toBe(0)
    expect(passed).toBeGreaterThan(50)
  })

  test('none of the altered ones does', () => {
    const files = Object.fromEntries(CASES.map(([name, , altered]) => [name, altered]))
    const { status, lines } = run(folderOf({ 'aws_nitro_root_g1.der': bytes('aws_nitro_root_g1.der'), ...files }))
    expect(status).toBe(1)
    expect(lines.at(-1)).toMatch(/^0 passed, /)
    const silent = CASES.map(([name]) => name).filter((name) => !lines.some((line) => line.startsWith(`FAIL ${name} `)))
    expect(silent).toEqual([])
  })

  test('a valid document among the invalid ones, an altered one among the valid, an envelope with another plaintext, a device that answers something else', () => {
    const name = 'anjuna-security-go-nitro-attestati-2021-03-24'
    const document = bytes(`attestation/${name}.cbor`)
    const altered = document.map((byte, i) => (i === 500 ? byte ^ 1 : byte))
    const details = json(`attestation/${name}.json`) as object
    const [envelope] = json('cms/index.json') as { file: string; key: string; plaintext_hex: string }[]
    const device = json('nsm/pci.json') as { calls: { name: string; response_hex: string }[] }
    const call = device.calls.find((one) => one.name === 'LockPCR16') as { response_hex: string }
    const { status, lines } = run(folderOf({
      'aws_nitro_root_g1.der': bytes('aws_nitro_root_g1.der'),
      'attestation/real.cbor': document,
      'attestation/real.json': details,
      'attestation/altered.cbor': altered,
      'attestation/altered.json': details,
      'attestation/other.cbor': document,
      'attestation/other.json': { ...details, module_id: 'i-0-enc0' },
      'attestation-invalid/altered.cbor': altered,
      'attestation-invalid/altered.json': details,
      'attestation-invalid/real.cbor': document,
      'attestation-invalid/real.json': details,
      'cms/index.json': [envelope, { ...envelope, name: 'other', plaintext_hex: other(envelope?.plaintext_hex) }],
      [`cms/${envelope?.file}`]: bytes(`cms/${envelope?.file}`),
      [`cms/${envelope?.key}`]: bytes(`cms/${envelope?.key}`),
      'nsm/device.json': { calls: [call, { ...call, name: 'other', response_hex: '684c6f636b50435273' }] },
    }))
    expect(status).toBe(1)
    expect(lines).toEqual([
      'FAIL attestation-invalid/real.cbor real: accepted',
      expect.stringMatching(/^FAIL attestation\/altered\.cbor altered: /),
      'FAIL attestation/other.cbor other: verified, but says something else',
      `FAIL cms/${envelope?.file} other: opens to something else`,
      'FAIL nsm/device.json other/response: the answer is to another request',
      '6 passed, 5 failed, 0 skipped',
    ])
  })
})
