/** Argon2id through enclave-sim/platform/argon2.ts, as the enclave hashes PINs. */
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import { hexField, idOf, integer, object, text } from './fields.ts'
import { eachFile, type RunFolder } from './folder.ts'
import { must, skip } from './report.ts'

const V0X13 = 19
/** 1 GiB: more is not a test of correctness. */
const MAX_MEMORY_KIB = 1_048_576

export const runArgon2: RunFolder = (folder, report) =>
  eachFile(folder, report, async ({ path, vectors }) => {
    for (const [index, vector] of vectors.entries()) await report.check(path, idOf(vector, index), () => check(vector))
  })

async function check(vector: unknown): Promise<void> {
  const fields = object(vector, 'the vector')
  if (text(fields, 'type') !== 'argon2id') skip('only Argon2id is used')
  if (integer(fields, 'version') !== V0X13) skip('only version 0x13 is used')
  const isEmpty = (name: string): boolean => fields[name] === undefined || fields[name] === null || fields[name] === ''
  if (!isEmpty('secret') || !isEmpty('ad')) skip('no secret and no associated data are used')
  const parameters = { memoryKiB: integer(fields, 'm'), iterations: integer(fields, 't'), parallelism: integer(fields, 'p'), length: integer(fields, 'tagLen') }
  if (parameters.memoryKiB > MAX_MEMORY_KIB) skip('more memory than 1 GiB')
  const tag = await argon2id(hexField(fields, 'password'), hexField(fields, 'salt'), parameters)
  must(equal(tag, hexField(fields, 'tag')), 'another tag')
}
