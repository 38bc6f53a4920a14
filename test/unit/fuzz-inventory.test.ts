/** No decoder without a row in the fuzzers' tables: each exported function whose name says that it reads something is there, or here with a reason. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { attestationRows } from '../support/fuzz/attestation.ts'
import { chainsRows } from '../support/fuzz/chains.ts'
import { enclaveRows } from '../support/fuzz/enclave.ts'
import { localRows } from '../support/fuzz/local.ts'
import { protocolRows } from '../support/fuzz/protocol.ts'
import { relayRows } from '../support/fuzz/relay.ts'

const root = join(__dirname, '../..')
const ROOMS = ['lib', 'enclave-sim', 'client', 'local']
const DECODER = /^export (?:async )?(?:function\*?|const) ((?:decode|parse|read|open|split|verify|from(?=[A-Z]))\w*)/gm

/** Why a function that is named like a decoder needs no row. An ending `*` stands for every function of the file. */
const EXEMPT: Readonly<Record<string, string>> = {
  'lib/attestation/es384.ts verifyEs384': 'WebCrypto decides; reached through verifyAttestation',
  'enclave-sim/core/authenticate.ts openSealedRequest': 'its parts are decodeHeader, openRequest, decodeSealedBody and verifyProof, which have rows',
  'enclave-sim/core/ed25519.ts verifyEd25519': 'OpenSSL decides, on a signature of our own',
  'enclave-sim/core/scalars.ts fromLimbs': 'writes',
  'enclave-sim/core/unlock.ts openRecord': 'its parts are decodeRecord, openEnvelope, open and decodeState, which have rows',
  'enclave-sim/core/unlock.ts openSeed': 'its parts are open and splitSecret, which have rows',
  'enclave-sim/core/unlock.ts openRecovery': 'its parts are openWithCode and splitSecret, which have rows',
  'enclave-sim/core/operations/pin.ts verifyPin': 'an operation, not a decoder',
  'enclave-sim/image/files.ts *': 'the builder reads its own checkout',
  'enclave-sim/platform/nsm-device.ts openNsmDevice': 'opens a device; what that answers is read by decodeNsmResponse',
  'enclave-sim/platform/nsm-socket.ts openNsmSocket': 'opens a socket; what comes over it is read by createFrameReader and decodeNsmResponse',
  'enclave-sim/platform/simulator/root.ts openSimulatorRoot': "the simulator's own key files",
  'client/demo/amounts.ts parseEther': 'what its user types into a field of the demo page',
  'lib/chains/ethereum/typed-data/types.ts describeFields': 'writes',
  'lib/chains/ethereum/values.ts *': 'read one item of an RLP list, for the rows of what the list is',
  'local/enclave.ts readMeasurements': 'reads what the builder wrote on this machine',
  'local/issuer/keys.ts openKeys': "the issuer's own key files",
  'local/kms/keys.ts openKeyStore': "the KMS emulator's own files",
  'local/serve.ts readBody': 'hands bytes on; what they say is read by the rows of the services',
  'local/state.ts readJson': "the emulators' own files",
}

const rows = [...protocolRows, ...chainsRows, ...attestationRows, ...enclaveRows, ...relayRows, ...localRows]
const covered = new Set(rows.flatMap(({ covers }) => covers))

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path)
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [relative(root, path)] : []
  })
}

const files = ROOMS.flatMap((room) => filesIn(join(root, room)))
const found = files.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(DECODER)].map((match) => `${file} ${match[1]}`))
const isExempt = (name: string): boolean => name in EXEMPT || `${name.split(' ')[0]} *` in EXEMPT

test('finds decoders at all', () => {
  expect(found.length).toBeGreaterThan(80)
  expect(found).toContain('lib/protocol/cbor.ts decodeCbor')
  expect(found).toContain('lib/protocol/bytes.ts fromHex')
})

test('every decoder is in a table, or exempt for a reason', () => {
  expect(found.filter((name) => !covered.has(name) && !isExempt(name))).toEqual([])
})

test('the tables name nothing twice, and no file that is gone', () => {
  const names = rows.map(({ covers }) => covers[0])
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  const inFile = (name: string): boolean => {
    const [file = '', symbol = ''] = name.split(/[ ,]+/)
    return !file.endsWith('.ts') || (files.includes(file) && new RegExp(`export (async )?(function\\*?|const) ${symbol}\\b`).test(readFileSync(join(root, file), 'utf8')))
  }
  expect([...covered].filter((name) => !inFile(name))).toEqual([])
})

test('no exemption is for what is gone, or has a row after all', () => {
  expect(Object.keys(EXEMPT).filter((name) => (name.endsWith('*') ? !files.includes(name.slice(0, -2)) : covered.has(name)))).toEqual([])
})
