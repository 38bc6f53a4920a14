/**
 * dynalite, embedded. It checks no signatures, so it listens on a UNIX socket in a directory of its own (mode 0700): only the front,
 * or another process of the same user that goes looking for it, gets there.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request, type RequestOptions, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dynalite from 'dynalite'
import { listen } from '../serve.ts'
import { ensureDir } from '../state.ts'

export interface EngineAnswer {
  readonly status: number
  readonly body: string
}

export interface Engine {
  /** Runs one operation; nothing is asked of who wants it. */
  readonly call: (operation: string, body: string) => Promise<EngineAnswer>
  readonly close: () => Promise<void>
}

/** @param dir - LevelDB directory */
export async function startEngine(dir: string): Promise<Engine> {
  await ensureDir(dir)
  const socketDir = await mkdtemp(join(tmpdir(), 'cloister-'))
  const socketPath = join(socketDir, 'dynamodb.sock')
  const server: Server = dynalite({ path: dir, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  const listening = await listen(server, { path: socketPath })
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  return {
    // dynalite wants the header's form and looks no further.
    call: (operation, body) => forward({ agent, socketPath }, 'front', operation, body),
    close: async () => {
      agent.destroy()
      await listening.close()
      await rm(socketDir, { recursive: true, force: true })
    },
  }
}

/** @param credential - what the engine takes for whoever asks: no signature is made, and none looked at */
export function forward(to: Pick<RequestOptions, 'agent' | 'socketPath' | 'host' | 'port'>, credential: string, operation: string, body: string): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`,
    }
    const outgoing = request({ ...to, method: 'POST', path: '/', headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 500, body: Buffer.concat(chunks).toString('utf8') }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
