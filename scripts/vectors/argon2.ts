/** Argon2id through enclave-sim/platform/argon2.ts, as the enclave hashes PINs. */
import { argon2id } from '../../enclave-sim/platform/argon2.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import { hexField, integer, text, type Json } from './fields.ts'
import { checkEach, eachFile, type RunFolder } from './folder.ts'
import { must, skip } from './report.ts'

const V0X13 = 19
/** 1 GiB: more is not a test of correctness. */
const MAX_MEMORY_KIB = 1_048_576

export const runArgon2: RunFolder = (folder, report) => eachFile(folder, report, (file) => checkEach(report, file, check))

async function check(fields: Json): Promise<void> {
  if (text(fields, 'type') !== 'argon2id') skip('only Argon2id is used')
  if (integer(fields, 'version') !== V0X13) skip('only version 0x13 is used')
  const isEmpty = (name: string): boolean => fields[name] === undefined || fields[name] === null || fields[name] === ''
  if (!isEmpty('secret') || !isEmpty('ad')) skip('no secret and no associated data are used')
  const [memoryKiB, iterations] = [integer(fields, 'm'), integer(fields, 't')]
  const [parallelism, length] = [integer(fields, 'p'), integer(fields, 'tagLen')]
  if (memoryKiB > MAX_MEMORY_KIB) skip('more memory than 1 GiB')
  const [password, salt] = [hexField(fields, 'password'), hexField(fields, 'salt')]
  const tag = await argon2id(password, salt, { memoryKiB, iterations, parallelism, length })
  must(equal(tag, hexField(fields, 'tag')), 'another tag')
}
