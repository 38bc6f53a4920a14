/** Attestation documents and certificates, from the tests' own PKI and, where they are, from the vectors. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkPath, verifyChain } from '../../../lib/attestation/chain.ts'
import { parseCertificate } from '../../../lib/attestation/certificate.ts'
import * as der from '../../../lib/attestation/der.ts'
import { decodeUnverifiedAttestation } from '../../../lib/attestation/document.ts'
import { verifyAttestation } from '../../../lib/attestation/verify.ts'
import { timestampOf } from '../../../enclave-sim/core/clock.ts'
import { acceptChannel } from '../../../client/trust.ts'
import { channelKeyId, generateChannelKey, serializeChannelKey } from '../../../lib/protocol/channel.ts'
import { encodeChannelBinding } from '../../../lib/protocol/service.ts'
import { toHex } from '../../../lib/protocol/bytes.ts'
import { AT_MS, hex, makeDocument, makeKeys, makePki, pcrs, type Pki } from '../attestation-pki.ts'
import { bytesTarget, codes, row, type Row } from './target.ts'

let made: Promise<Pki> | undefined
const pki = (): Promise<Pki> => (made ??= makeKeys().then((keys) => makePki(keys)))

const folder = join(__dirname, '../../../../shared/vectors/attestation')
/** Real ones; a few of the many, for what is edited is the form. */
function realDocuments(): Uint8Array[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.cbor'))
  return names.filter((_, index) => index % 4 === 0).map((name) => new Uint8Array(readFileSync(join(folder, name))))
}
const documents = async (): Promise<Uint8Array[]> => [await makeDocument(await pki()), await makeDocument(await pki(), { public_key: undefined, user_data: hex('') }), ...realDocuments()]

const isDerError = (error: unknown): boolean => error instanceof der.DerError
const path = (name: string): string => `lib/attestation/${name}`
const derRow = (name: string, seeds: readonly string[], read: (bytes: Uint8Array) => unknown): Row =>
  row(path(`der.ts ${name}`), () => bytesTarget('der', { seeds: seeds.map(hex), decode: read, throws: isDerError }))
const tagged = (read: (value: der.DerValue) => unknown) => (bytes: Uint8Array): unknown => read(der.readDer(bytes, bytes[0] ?? 0))

export const attestationRows: readonly Row[] = [
  row(path('document.ts decodeUnverifiedAttestation'), async () => bytesTarget('cbor', { seeds: await documents(), decode: decodeUnverifiedAttestation, throws: codes('attestation_malformed') })),
  row(path('verify.ts verifyAttestation'), async () => {
    const { rootDer } = await pki()
    const [first] = await documents()
    return bytesTarget('cbor', { seeds: [first as Uint8Array], decode: (bytes) => verifyAttestation(bytes, { rootDer, atMs: AT_MS }), throws: codes('attestation_malformed', 'attestation_chain', 'attestation_signature') })
  }),
  row('client/trust.ts acceptChannel', async () => {
    const { rootDer } = await pki()
    const publicKey = await serializeChannelKey((await generateChannelKey()).publicKey)
    const user_data = encodeChannelBinding({ key: await channelKeyId(publicKey), notAfterMs: AT_MS + 1000 })
    const document = await makeDocument(await pki(), { public_key: publicKey, user_data })
    const hexOf = (index: number): string => toHex(pcrs().get(index) as Uint8Array)
    const measurements = [{ pcr0: hexOf(0), pcr1: hexOf(1), pcr2: hexOf(2), pcr16: hexOf(16) }]
    const trust = { root: rootDer, measurements, clockToleranceMs: Number.MAX_SAFE_INTEGER }
    return bytesTarget('cbor', { seeds: [document], decode: (bytes) => acceptChannel(bytes, new TextEncoder().encode('nonce'), trust), throws: codes('attestation_*') })
  }),
  row('enclave-sim/core/clock.ts timestampOf', async () => bytesTarget('cbor', { seeds: await documents(), decode: timestampOf, throws: (error) => error instanceof Error && error.message === 'the device gave no timestamp' })),
  row(path('certificate.ts parseCertificate'), async () => {
    const { rootDer, intermediates, leafDer } = await pki()
    return bytesTarget('der', { seeds: [rootDer, ...intermediates, leafDer], decode: parseCertificate, throws: isDerError })
  }),
  row([path('chain.ts verifyChain'), path('chain.ts checkPath')], async () => {
    const { rootDer, intermediates, leafDer } = await pki()
    return bytesTarget('der', {
      seeds: [intermediates[1] as Uint8Array],
      decode(bytes) {
        const path = [intermediates[0], bytes, intermediates[2]] as Uint8Array[]
        return verifyChain({ rootDer, intermediatesDer: path, leafDer, atMs: AT_MS }).then(() => checkPath([parseCertificate(rootDer), parseCertificate(bytes)], AT_MS) || true)
      },
      throws: codes('attestation_chain'),
    })
  }),
  derRow('readDer', ['3003020105', '04820100' + 'bb'.repeat(256)], (bytes) => der.readDer(bytes, bytes[0] ?? 0)),
  derRow('readChildren', ['30060201050401aa'], tagged(der.readChildren)),
  derRow('readFields', ['30060201050401aa'], tagged((value) => der.readFields(value, 2, 4))),
  derRow('readTrue', ['0101ff'], tagged(der.readTrue)),
  derRow('readUnsigned', ['020105', '020200ff', '020100'], tagged(der.readUnsigned)),
  derRow('readOid', ['0603551d13', '06082a8648ce3d040303'], tagged(der.readOid)),
  derRow('readBits', ['030205a0', '030100'], tagged(der.readBits)),
  derRow('readTimeMs', ['170d3235303130313030303030305a', '180f32303530303130313030303030305a'], tagged(der.readTimeMs)),
]
