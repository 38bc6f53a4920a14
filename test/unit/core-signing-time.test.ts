/** AWS requests are signed at the attested time, from the enclave's clock to the header that leaves. */
import type { RequestListener } from 'node:http'
import type { Configuration } from '../../enclave-sim/core/configuration.ts'
import { createConnect } from '../../enclave-sim/platform/connect.ts'
import { createCredentialSource } from '../../enclave-sim/platform/credentials.ts'
import { listenTls } from '../../local/serve.ts'
import { createLocalCa } from '../../local/tls.ts'
import { TEST_CREDENTIALS } from '../support/aws-client.ts'
import { createWorld } from '../support/core-world.ts'
import { cleanup, stateDir } from '../support/local.ts'

test('the core hands its attested clock to the platform, and it goes on', async () => {
  const world = await createWorld()
  const clocks: (() => number)[] = []
  const { connect } = world.platform()
  await world.enclave({
    connect(configuration, nowMs) {
      clocks.push(nowMs)
      return connect(configuration, nowMs)
    },
  })
  const [nowMs] = clocks as [() => number]
  expect(nowMs()).toBe(world.nowMs())
  world.advance(60_000)
  expect(nowMs()).toBe(world.nowMs())
  world.close()
})

test('the platform signs by that clock, for both services and in each request; retries of KMS alone', async () => {
  const ca = await createLocalCa({ dir: await stateDir() })
  const seen: string[] = []
  const listener: RequestListener = ({ headers }, response) => {
    seen.push(`${String(headers['x-amz-target']).split('.')[1]} ${String(headers['x-amz-date'])}`)
    response.writeHead(500).end('{}')
  }
  const { port, close } = await listenTls(0, ca.serverOptions, listener)
  cleanup(close)
  const credentials = createCredentialSource()
  credentials.replace(TEST_CREDENTIALS)
  let nowMs = Date.UTC(2040, 0, 1)
  const url = `https://127.0.0.1:${port}`
  const configuration = { region: 'us-east-1', kmsKeyArn: 'k', tableArn: 't', kms: { url }, dynamodb: { url }, certificateAuthorities: ca.caPem } as Configuration
  const { kms, table } = createConnect({ kind: 'direct' }, credentials)(configuration, () => nowMs)
  await expect(kms.generateRandom(new Uint8Array(1), 1)).rejects.toThrow()
  nowMs += 1_000
  await expect(table.confirm({ format: 1, owner: 'o', wallet: 'w', version: 1, dataKey: new Uint8Array(1), state: new Uint8Array(1), seed: new Uint8Array(1), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: 0, expiresAtSec: 0 })).rejects.toThrow()
  expect(seen).toEqual(['GenerateRandom 20400101T000000Z', 'GenerateRandom 20400101T000000Z', 'UpdateItem 20400101T000001Z'])
})
