/**
 * Wire vectors of /dev/nsm through enclave-sim/platform/nsm-codec.ts, both ways: what the device was asked, and what it
 * answered.
 */
import { decode } from 'cborg'
import {
  decodeNsmRequest, decodeNsmResponse, encodeNsmRequest, encodeNsmResponse, NSM_REQUEST_MAX_BYTES,
} from '../../enclave-sim/platform/nsm-codec.ts'
import { equal } from '../../lib/protocol/bytes.ts'
import { hexField, idOf, integer, list, object, text, UnknownShape, type Json } from './fields.ts'
import { readJson, type RunFolder } from './folder.ts'
import { Failure, must, skip } from './report.ts'

export const runNsm: RunFolder = async (folder, report) => {
  for (const path of folder.files) {
    let calls
    try {
      calls = list(object(readJson(folder, path), 'the file')['calls'], 'calls')
    } catch (error) {
      if (!(error instanceof UnknownShape)) throw error
      report.skip(path, error.message)
      continue
    }
    for (const [index, call] of calls.entries()) {
      await report.check(path, `${idOf(call, index)}/request`, () => checkRequest(object(call, 'the call')))
      await report.check(path, `${idOf(call, index)}/response`, () => checkResponse(object(call, 'the call')))
    }
  }
}

function checkRequest(call: Json): void {
  const cut = /^[0-9a-f]*\.\.\.\((\d+) bytes\)$/.exec(text(call, 'request_hex'))
  if (cut !== null) {
    if (Number(cut[1]) <= NSM_REQUEST_MAX_BYTES) skip('not given in full')
    return must(integer(call, 'errno') !== 0, 'the device takes longer requests than we do') // what our limit is for
  }
  const bytes = hexField(call, 'request_hex')
  const request = decodeNsmRequest(bytes)
  if (request === undefined) return must(errorOf(call) === 'InvalidOperation', 'a request of the device is not read')
  must(equal(encodeNsmRequest(request), bytes), 'our request has other bytes')
}

function checkResponse(call: Json): void {
  const bytes = hexField(call, 'response_hex')
  if (bytes.length === 0) skip('the driver refused the request: there is no answer')
  const response = decodeNsmResponse(bytes)
  // The driver cuts an answer to the caller's buffer and says nothing: half an answer must not be read as one.
  if (!isWhole(bytes)) return must(response === undefined, 'half an answer is read')
  if (response === undefined) throw new Failure('an answer of the device is not read')
  must(equal(encodeNsmResponse(response), bytes), 'our answer has other bytes')
  const request = decodeNsmRequest(hexField(call, 'request_hex'))
  if (response.op !== 'Error') must(response.op === request?.op, 'the answer is to another request')
}

function isWhole(bytes: Uint8Array): boolean {
  try {
    decode(bytes, { useMaps: true })
    return true
  } catch {
    return false
  }
}

function errorOf(call: Json): string | undefined {
  const response = decodeNsmResponse(hexField(call, 'response_hex'))
  return response?.op === 'Error' ? response.code : undefined
}
