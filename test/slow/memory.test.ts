/** What is left in memory: relay and enclave, searched for every secret of a wallet during and after a hundred signatures. */
import { startObservedCloud, type ObservedCloud } from '../support/memory-observed.ts'
import { whyNoMemory } from '../support/memory-image.ts'
import { beyond, KNOWN, KNOWN_OF_LIVES } from '../support/memory-known.ts'
import { liveAndLearn } from '../support/memory-life.ts'
import { lookInto, lookIntoFile, print, type Findings } from '../support/memory-look.ts'
import { processes, signAndLearn } from '../support/memory-run.ts'
import type { Secret } from '../support/memory-search.ts'

const SIGNATURES = 100
/** They take turns. */
const CHAINS = 3
const LIVES = 5
/** While these are under way the relay is searched. */
const SAMPLED = [0, 33, 66, 99]
let cloud: ObservedCloud | undefined
let reason: string | undefined

beforeAll(async () => {
  reason = process.platform === 'linux' ? undefined : await whyNoMemory(process.pid)
  if (reason !== undefined) return
  cloud = await startObservedCloud()
  reason = await whyNoMemory((await processes(cloud)).enclave)
}, 120_000)
afterAll(() => cloud?.close())

test('100 signatures: nothing in the relay, ever; in the enclave nothing afterwards but what docs/threat-model.md lists', async () => {
  if (cloud === undefined || reason !== undefined) {
    process.stdout.write(`memory is not searched: ${reason ?? 'no cloud'}\n`)
    return
  }
  const { relay, enclave } = await processes(cloud)
  const atFirst: Findings[] = []
  const secrets = await signAndLearn(cloud, 'alice', SIGNATURES, {
    async during(index, known) {
      if (SAMPLED.includes(index)) expect(await lookInto(relay, known)).toEqual({})
    },
    async after(what, known) {
      if (what !== 'create' && what >= CHAINS) return
      const findings = await lookInto(enclave, known)
      print(`the enclave, after ${what === 'create' ? what : `signature ${what + 1}`}:`, findings)
      atFirst.push(findings)
    },
  })
  expect(secrets.filter(({ kind }) => kind === 'data key')).toHaveLength(SIGNATURES + 2)

  const inRelay = await lookInto(relay, secrets)
  print('the relay, after 100 signatures:', inRelay)
  const afterwards = await lookInto(enclave, secrets)
  print('the enclave, after 100 signatures:', afterwards)
  await cloud.collect()
  const collected = await lookInto(enclave, secrets)
  print('the enclave, after a full garbage collection:', collected)
  const snapshot = await lookIntoFile(await cloud.heapSnapshot(), secrets)
  print("the enclave's heap snapshot:", snapshot)

  expect(inRelay).toEqual({})
  for (const findings of atFirst) expect(beyond(findings, KNOWN)).toEqual({})
  expect(beyond(afterwards, KNOWN)).toEqual({})
  expect(beyond(collected, KNOWN)).toEqual({})
  expect(snapshot).toEqual({})

  // The search does find: a key that the relay is sent on purpose, and what the enclave has to know.
  const leaked = secrets.find(({ kind }) => kind.startsWith('account private key')) as Secret
  const path = `/v1/enclave?nonce=${Buffer.from(leaked.bytes).toString('base64url')}`
  // The relay was stopped for long: a connection that was kept open may be gone.
  await cloud.call('GET', path).catch(() => cloud?.call('GET', path))
  expect(Object.keys(await lookInto(relay, secrets)).join()).toContain('account private key')
  const known: Secret = { kind: 'not secret', bytes: Buffer.from(cloud.stack.keyArn), text: true }
  expect(await lookInto(enclave, [known])).toMatchObject({ 'not secret, raw': expect.any(Number) })
}, 600_000)

test('all else that owners do: nothing in the relay, nor in the enclave but what docs/threat-model.md lists', async () => {
  if (cloud === undefined || reason !== undefined) return
  const { relay, enclave } = await processes(cloud)
  const who = await cloud.logIn('bob')
  const secrets: Secret[] = []
  const inEnclave: Findings[] = []
  for (let life = 0; life < LIVES; life++) {
    const known = await liveAndLearn(cloud, who, async (op, soFar) => {
      if (life > 0) return
      const findings = await lookInto(enclave, soFar)
      print(`the enclave, after ${op}:`, findings)
      inEnclave.push(findings)
    })
    secrets.push(...known)
  }
  const [afterwards, inRelay] = [await lookInto(enclave, secrets), await lookInto(relay, secrets)]
  print(`the enclave, after ${LIVES} lives:`, afterwards)
  print('the relay:', inRelay)
  expect(inRelay).toEqual({})
  for (const findings of [...inEnclave, afterwards]) expect(beyond(findings, KNOWN_OF_LIVES)).toEqual({})
}, 300_000)
