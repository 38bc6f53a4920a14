import { hashRaw } from '@node-rs/argon2'
import type { Argon2id } from '../core/ports.ts'

// The package's const enums can't be imported by a compiler that works file by file: these are their values.
const ARGON2ID = 2
const V0X13 = 1

/** Runs on libuv's thread pool. */
export const argon2id: Argon2id = async (password, salt, { memoryKiB, iterations, parallelism, length }) =>
  hashRaw(password, { salt, memoryCost: memoryKiB, timeCost: iterations, parallelism, outputLen: length, algorithm: ARGON2ID, version: V0X13 })
