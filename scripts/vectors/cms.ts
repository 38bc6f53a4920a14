/** CMS envelopes as KMS answers a Recipient, through enclave-sim/core/cms.ts, which opens them whole or not at all. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { openEnvelope, EnvelopeError } from '../../enclave-sim/core/cms.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import { hex, idOf, list, object, text, UnknownShape, type Json } from './fields.ts'
import { readJson, type Folder, type RunFolder } from './folder.ts'
import { must, refusalOf, skip } from './report.ts'

const SPKI_HASH = 'sha256(SPKI DER)'

export const runCms: RunFolder = async (folder, report) => {
  const index = `${folder.name}/index.json`
  let entries: readonly unknown[] = []
  try {
    entries = list(readJson(folder, index), 'the index')
  } catch (error) {
    if (!(error instanceof UnknownShape)) throw error
    report.skip(index, error.message)
  }
  const used = new Set([index])
  for (const [at, entry] of entries.entries()) {
    const named = (name: string): string => `${folder.name}/${String((entry as Json | null)?.[name])}`
    const path = named('file')
    for (const name of ['file', 'key', 'plaintext_file']) used.add(named(name))
    await report.check(path, idOf(entry, at), () => check(folder, path, object(entry, 'the entry')))
  }
  for (const path of folder.files) if (!used.has(path)) report.skip(path, 'not in the index')
}

async function check(folder: Folder, path: string, entry: Json): Promise<void> {
  const envelope = folder.read(path)
  if (envelope === undefined) throw new UnknownShape('no such file')
  if (typeof entry['key'] !== 'string') skip('without a private key: the project parses no envelope that it does not open')
  const privateKey = readKey(folder.read(`${folder.name}/${entry['key']}`))
  const named = Array.isArray(entry['ski_is']) && entry['ski_is'].includes(SPKI_HASH)
  const recipient = { privateKey, id: named ? spkiHash(privateKey) : null }
  if (entry['expected'] === 'reject' || entry['why_invalid'] !== undefined) {
    return must((await refusalOf(() => openEnvelope(envelope, recipient))) instanceof EnvelopeError, 'accepted')
  }
  must(equal(openEnvelope(envelope, recipient), expectedPlaintext(folder, entry)), 'opens to something else')
}

function expectedPlaintext(folder: Folder, entry: Json): Uint8Array {
  if (typeof entry['plaintext_hex'] === 'string') return hex(entry['plaintext_hex'], 'plaintext_hex')
  const bytes = folder.read(`${folder.name}/${text(entry, 'plaintext_file')}`)
  if (bytes === undefined) throw new UnknownShape('no plaintext')
  return bytes
}

function readKey(pem: Uint8Array | undefined): KeyObject {
  try {
    return createPrivateKey(Buffer.from(pem ?? new Uint8Array()))
  } catch {
    throw new UnknownShape('the private key is not one')
  }
}

function spkiHash(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return new Uint8Array(createHash('sha256').update(spki).digest())
}
