/** Whoever changed the relay's code: sees every live token, reads those users' records, chooses what reaches the enclave and what comes back. */
import { equal, utf8 } from '../../lib/protocol/bytes.ts'
import { CloisterError, type ErrorCode } from '../../lib/protocol/errors.ts'
import { LIMITS } from '../../lib/protocol/limits.ts'
import { decodeSealedBody } from '../../lib/protocol/request.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { distinct, endOf, handOver, turned } from './codes.ts'
import { relayRoles } from './relay-role.ts'
import { ask, channelOf, isGuess, sealIntent, type Reply } from './sealing.ts'
import { signing } from './token.ts'
import type { World } from './world.ts'

export async function relay(world: World): Promise<void> {
  await readsAll(world)
  await guesses(world)
  await relayRoles(world)
  await records(world)
  await replays(world)
  await answers(world)
}

async function readsAll(world: World): Promise<void> {
  const { position, victim } = world
  const record = await victim.record()
  const traffic = position.recorded.flatMap(({ token, request, answer }) => [utf8(token), request.header, request.enc, request.ciphertext, answer])
  const bodies = position.recorded.filter(({ request }) => decodeSealedBody(request.ciphertext) !== undefined).length
  await world.tried('relay', 'read all that passes, and the records of those whose tokens it sees', {
    loot: [...traffic, record.dataKey, record.state, record.seed], stopped: 'sealed', expected: 'sealed', note: `${bodies} of ${position.recorded.length} requests readable`,
  })
  await lengths(world)
}

/** The relay knows the length of everything that is sealed but the PIN's, and has both of the victim's PINs before it: 4 bytes and 14. */
async function lengths({ position, stack, tried }: World): Promise<void> {
  const created = new Set(position.recorded.filter(({ op }) => op === 'create').map(({ request }) => request.ciphertext.length))
  const [one] = position.recorded
  if (one === undefined) throw new Error('nothing passed')
  const channel = await channelOf(position.enclave, stack.trust)
  const lengthOf = async (pin: string, size: number): Promise<number> =>
    (await sealIntent(channel, { token: one.token, clientKey: null }, { op: 'sign', wallet: one.wallet, pin, parameters: { data: new Uint8Array(size) } })).request.ciphertext.length
  // Bodies of two blocks, in steps shorter than what one PIN is longer than the other: at some, an edge is between them.
  let apart = created.size - 1
  const seen = new Set<number>()
  for (let size = 24; size < 24 + 2 * LIMITS.paddingBytes; size += 16) {
    const [short, long] = [await lengthOf('0042', size), await lengthOf('x'.repeat(64), size)]
    seen.add(short).add(long)
    if (short !== long) apart += 1
  }
  await tried('relay', 'tell PINs apart by the length of what is sealed', {
    stopped: `${apart} told apart`, expected: '0 told apart', note: `${created.size} length of requests to create; ${seen.size} of requests to sign, by the rest of them alone`,
  })
}

async function guesses(world: World): Promise<void> {
  const { position, stack, victim } = world
  const channel = await channelOf(position.enclave, stack.trust)
  const proof = position.recorded.map(({ request }) => decodeSealedBody(request.ciphertext)?.proof).find((found) => found !== undefined)
  const replies: Reply[] = []
  for (const pin of [victim.pin, '000000', '111111', '123456', '654321', '121212']) {
    replies.push(await ask(position.enclave, channel, { token: victim.token, clientKey: null }, await victim.record(), signing(victim.wallet.id, pin)))
  }
  await world.tried('relay', 'seal guesses of its own under a live token', {
    guesses: replies.filter(isGuess).length, stopped: distinct(replies.map(({ code }) => code)), expected: 'proof_missing',
    note: proof === undefined ? 'no proof to copy: they are sealed too' : 'with a copied proof',
  })
  const mallory = await world.logIn('mallory')
  const borrowed = await ask(position.enclave, channel, mallory, await victim.record(), signing(victim.wallet.id, victim.pin))
  await world.tried('relay', 'guess under a login of its own, over the victim’s record', {
    guesses: isGuess(borrowed) ? 1 : 0, stopped: borrowed.code, expected: 'record_invalid',
  })
  const renamed = { ...(await victim.record()), owner: await position.owner(mallory.token) }
  const moved = await ask(position.enclave, channel, mallory, renamed, signing(victim.wallet.id, victim.pin))
  await world.tried('relay', 'the same, with the owner’s name in the record changed to its own', {
    guesses: isGuess(moved) ? 1 : 0, stopped: moved.code, expected: 'stale',
  })
}

async function records(world: World): Promise<void> {
  const { position, victim } = world
  const [first, second] = victim.records as [WalletRecord, WalletRecord]
  const other = await victim.record(victim.weak.id)
  const variants: readonly (readonly [string, (now: WalletRecord) => WalletRecord | null, string])[] = [
    ['an old record, from before the wrong PIN', () => first, 'stale'],
    ['an old record, from after it', () => second, 'stale'],
    ['no record', () => null, 'wallet_not_found'],
    ['the counters set back', (now) => ({ ...now, spent: 0, lockedUntilMs: 0, wrongMs: [] }), 'stale'],
    ['a lock that is not there', (now) => ({ ...now, lockedUntilMs: Date.now() + 3_600_000 }), 'stale'],
    ['a later version number', (now) => ({ ...now, version: now.version + 1 }), 'stale'],
    ['the record of another wallet', () => other, 'record_invalid'],
    ['another wallet’s ciphertexts under this wallet’s name', (now) => ({ ...now, dataKey: other.dataKey, state: other.state, seed: other.seed }), 'record_invalid'],
    ['the seed of an earlier version', (now) => ({ ...now, seed: first.seed }), 'record_invalid'],
    ['the state of an earlier version', (now) => ({ ...now, state: first.state }), 'record_invalid'],
    ['the data key of an earlier version', (now) => ({ ...now, dataKey: first.dataKey }), 'record_invalid'],
    ['one bit turned in the state', (now) => ({ ...now, state: turned(now.state, 20) }), 'record_invalid'],
    ['one bit turned in the seed', (now) => ({ ...now, seed: turned(now.seed, 20) }), 'record_invalid'],
  ]
  for (const [name, change, expected] of variants) {
    const before = await victim.record()
    position.hooks = {
      // What the enclave says of it reaches the app: sealed, where it is.
      async request({ token, request }) {
        const { code, answer } = await handOver(position, token, request, change(await victim.record()))
        return answer.length > 0 ? answer : new CloisterError(code as ErrorCode)
      },
    }
    const stopped = await victim.sign().finally(() => (position.hooks = {}))
    const after = await victim.record()
    const cost = after.spent > before.spent || after.lockedUntilMs > before.lockedUntilMs ? ', and a guess spent' : ''
    await world.tried('relay', `hand in ${name}`, { stopped: stopped + cost, expected, denial: true })
  }
}

async function replays(world: World): Promise<void> {
  const { position, victim } = world
  const record = await victim.record()
  const signed = position.recorded.filter(({ op }) => op === 'sign')
  const replies = await Promise.all(signed.map(({ token, request }) => handOver(position, token, request, record)))
  await world.tried('relay', 'hand requests over again, with the current record', {
    loot: replies.map(({ answer }) => answer), stopped: distinct(replies.map(({ code }) => code)), expected: 'refused',
  })
  await world.stack.services.enclaves[0]?.rotateChannelKey()
  const rotated = await Promise.all(signed.map(({ token, request }) => handOver(position, token, request, record)))
  await world.tried('relay', 'the same, once the channel key was replaced', {
    stopped: distinct(rotated.map(({ code }) => code)), expected: 'refused',
  })
}

async function answers(world: World): Promise<void> {
  const { position, victim } = world
  const old = position.recorded.filter(({ op }) => op === 'sign').at(-1)?.answer as Uint8Array
  const cheats: readonly (readonly [string, (answer: Uint8Array) => Uint8Array | Error, string])[] = [
    ['alter an answer', (answer) => turned(answer, answer.length >> 1), 'answer_invalid'],
    ['give an earlier answer', () => old, 'answer_invalid'],
    ['cut an answer short', (answer) => answer.subarray(0, 40), 'answer_invalid'],
    ['keep an answer', () => new Error('kept'), 'network'],
    ['say in the clear that the PIN was wrong', () => new CloisterError('pin_wrong'), 'unavailable'],
    ['say in the clear that the wallet is locked', () => new CloisterError('wallet_locked'), 'unavailable'],
  ]
  for (const [name, cheat, expected] of cheats) {
    position.hooks = {
      async request(passed) {
        const changed = cheat(await position.pass(passed))
        if (changed instanceof Error) throw changed
        return changed
      },
    }
    await world.tried('relay', name, { stopped: await victim.sign(), expected, denial: true })
    position.hooks = {}
  }
  await world.tried('relay', 'give two callers each other’s answer', { stopped: await swapped(world), expected: 'answer_invalid', denial: true })
}

async function swapped({ position, victim }: World): Promise<string> {
  const waiting: { answer: Uint8Array; give: (other: Uint8Array) => void }[] = []
  position.hooks = {
    async request(passed) {
      const answer = await position.pass(passed)
      return new Promise((resolve) => {
        waiting.push({ answer, give: resolve })
        const [one, other] = waiting
        if (one !== undefined && other !== undefined && !equal(one.answer, other.answer)) {
          one.give(other.answer)
          other.give(one.answer)
        }
      })
    },
  }
  try {
    return distinct(await Promise.all([endOf(victim.wallet.view()), endOf(victim.weak.view())]))
  } finally {
    position.hooks = {}
  }
}
