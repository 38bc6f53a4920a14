/** Who sits on the line, with TLS to the API gone: reads, repeats, alters and swaps what passes. */
import { connect } from '../../client/connect.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { distinct, endOf, turned } from './codes.ts'
import type { Passed } from './position.ts'
import type { World } from './world.ts'

export async function network(world: World): Promise<void> {
  const { position, victim } = world
  const everything = position.recorded.flatMap(({ token, request, answer }) => [utf8(token), request.header, request.enc, request.ciphertext, answer])
  await world.tried('network', 'read all that passed', {
    loot: everything, stopped: 'sealed', expected: 'sealed', note: `${position.recorded.length} calls`,
  })

  const answers: Uint8Array[] = []
  const codes: string[] = []
  for (const passed of position.recorded) {
    codes.push(await endOf(position.pass(passed).then((answer) => answers.push(answer))))
  }
  await world.tried('network', 'send every request again', {
    loot: answers, stopped: `${distinct(codes)}, ${await unchanged(world)}`, expected: 'ok, nothing written',
    note: 'each gets a sealed refusal',
  })

  // A fresh one, held back: whatever is done to it, it has not been used up before.
  const altered = await withheld(world, async (passed) => {
    const { request } = passed
    const each = (part: 'header' | 'enc' | 'ciphertext', stride: number): Passed['request'][] =>
      Array.from({ length: Math.ceil(request[part].length / stride) }, (_, i) => ({ ...request, [part]: turned(request[part], i * stride) }))
    const changes = [...each('header', 1), ...each('enc', 1), ...each('ciphertext', 7), { ...request, ciphertext: request.ciphertext.subarray(1) }]
    const ends: string[] = []
    for (const change of changes) ends.push(await endOf(position.pass({ ...passed, request: change })))
    return ends
  })
  await world.tried('network', `alter a request, ${altered.length} ways`, {
    stopped: distinct(altered), expected: 'channel_unknown, request_malformed', denial: true,
  })

  const mallory = await world.logIn('mallory')
  const before = position.recorded.length
  const readdressed = await withheld(world, async (passed) => [await endOf(position.pass({ ...passed, token: mallory.token }))])
  await world.tried('network', 'send a request under another login', {
    stopped: distinct(readdressed), expected: 'wallet_not_found', denial: true,
    note: `${position.recorded.length - before} passed on after it`,
  })

  await world.tried('network', 'alter the attestation', {
    stopped: await alterAttestation(world), expected: 'attestation_chain, attestation_malformed, attestation_nonce, attestation_signature',
    denial: true,
  })
  await world.tried('network', 'drop everything', { stopped: await dropped(world), expected: 'network', denial: true })
  await world.tried('network', 'leave it alone', {
    stopped: await victim.sign(), expected: 'ok', note: 'the twin of all the others: the same request, unaltered, is served',
  })
}

/** Lets the victim sign, tries something with the request first, then passes it on: it must still be served. */
async function withheld(world: World, use: (passed: Omit<Passed, 'answer'>) => Promise<string[]>): Promise<string[]> {
  const { position, victim } = world
  let ends: string[] = []
  position.hooks = {
    async request(passed) {
      ends = await use(passed)
      return position.pass(passed)
    },
  }
  try {
    const signed = await victim.sign()
    return signed === 'ok' ? ends : [...ends, `then ${signed}`]
  } finally {
    position.hooks = {}
  }
}

async function unchanged({ victim }: World): Promise<string> {
  const last = victim.records.at(-1)
  const now = await victim.record()
  return now.version === last?.version && now.spent === last.spent && now.wrongMs.length === last.wrongMs.length ? 'nothing written' : 'written'
}

async function alterAttestation(world: World): Promise<string> {
  const { position, stack } = world
  const ends: string[] = []
  let document: Uint8Array | undefined
  let at = 0
  const size = (await position.enclave.attest(new Uint8Array(32))).document.length
  for (; at < size; at += 61) {
    position.hooks = { attest: async (nonce) => turned((document = (await position.enclave.attest(nonce)).document), Math.min(at, size - 1)) }
    ends.push(await endOf(connect({ url: 'http://relay.example', trust: stack.trust, login: async () => 'unused', fetch: position.fetch })))
  }
  position.hooks = { attest: async () => document as Uint8Array }
  ends.push(await endOf(connect({ url: 'http://relay.example', trust: stack.trust, login: async () => 'unused', fetch: position.fetch })))
  position.hooks = {}
  return distinct(ends)
}

async function dropped({ position, victim }: World): Promise<string> {
  position.hooks = { request: () => Promise.reject(new Error('dropped')) }
  try {
    return await victim.sign()
  } finally {
    position.hooks = {}
  }
}
