/**
 * RFC 9180 through the cipher suite of lib/protocol/channel.ts: base mode, its three algorithms. The recipient's side,
 * for the sender's is random.
 */
import { equal } from '../../lib/protocol/bytes.ts'
import { suite } from '../../lib/protocol/channel.ts'
import { hexField, integer, list, object, type Json } from './fields.ts'
import { eachFile, type RunFolder } from './folder.ts'
import { must, skip } from './report.ts'

const BASE_MODE = 0

export const runHpke: RunFolder = (folder, report) =>
  eachFile(folder, report, async ({ path, vectors }) => {
    for (const [index, vector] of vectors.entries()) {
      await report.check(path, name(vector, index), () => check(object(vector, 'the vector')))
    }
  })

function name(vector: unknown, index: number): string {
  const { mode, kem_id: kem, kdf_id: kdf, aead_id: aead } = (vector ?? {}) as Json
  return `#${index}/${[mode, kem, kdf, aead].map(String).join('-')}`
}

async function check(vector: Json): Promise<void> {
  if (integer(vector, 'mode') !== BASE_MODE) skip('only base mode is used')
  const ids = ['kem_id', 'kdf_id', 'aead_id'].map((id) => integer(vector, id))
  const isOurs = ids.join() === [suite.KEM.id, suite.KDF.id, suite.AEAD.id].join()
  if (!isOurs) skip(`only ${suite.KEM.name}, ${suite.KDF.name}, ${suite.AEAD.name} is used`)
  const pair = await suite.DeriveKeyPair(hexField(vector, 'ikmR'), true)
  must(equal(await suite.SerializePublicKey(pair.publicKey), hexField(vector, 'pkRm')), 'another public key is derived')
  must(equal(await suite.SerializePrivateKey(pair.privateKey), hexField(vector, 'skRm')), 'another private key is derived')
  const context = await suite.SetupRecipient(pair, hexField(vector, 'enc'), { info: hexField(vector, 'info') })
  for (const [index, entry] of list(vector['encryptions'], 'encryptions').entries()) {
    const fields = object(entry, 'the encryption')
    const opened = await context.Open(hexField(fields, 'ct'), hexField(fields, 'aad'))
    must(equal(opened, hexField(fields, 'pt')), `message ${index} opens to something else`)
  }
  for (const [index, entry] of list(vector['exports'], 'exports').entries()) {
    const fields = object(entry, 'the export')
    const exported = await context.Export(hexField(fields, 'exporter_context'), integer(fields, 'L'))
    must(equal(exported, hexField(fields, 'exported_value')), `export ${index} is another`)
  }
}
