/**
 * An enclave that is the attacker's: it has the device attest whatever it is told to, so that whoever has its documents holds the keys that they vouch
 * for. It extends PCR16 with any configuration that it is handed, the right one too: only PCR0 gives it away.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openNsmSocket } from '../../../enclave-sim/platform/nsm-socket.ts'
import { createNsm } from '../../../enclave-sim/platform/nsm.ts'

const nsm = createNsm(openNsmSocket({ onClose: () => process.exit(0) }))

async function answer(url: string, body: Buffer): Promise<Uint8Array> {
  if (url === '/v1/configure') {
    await nsm.extendPcr(16, createHash('sha384').update(body).digest())
    await nsm.lockPcr(16)
  }
  if (url !== '/attest') return Buffer.from('{}')
  const inputs = JSON.parse(body.toString('utf8')) as Record<'publicKey' | 'userData' | 'nonce', string>
  const bytes = (text: string): Uint8Array | null => (text === '' ? null : new Uint8Array(Buffer.from(text, 'base64')))
  return nsm.attest({ publicKey: bytes(inputs.publicKey), userData: bytes(inputs.userData), nonce: bytes(inputs.nonce) })
}

function listen(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      answer(request.url ?? '', Buffer.concat(chunks)).then((bytes) => response.end(bytes), () => response.writeHead(500).end())
    })
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`tcp:127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

const [service, host] = [await listen(), await listen()]
process.stdout.write(`${JSON.stringify({ listening: { service, host } })}\n`)
