/** The whole cloud, a victim who uses it, and the attackers' own means. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { importJWK, SignJWT, type JWK, type JWTPayload } from 'jose'
import { connect, type Cloister } from '../../client/connect.ts'
import { createClientKey, loginNonce } from '../../client/client-key.ts'
import type { Trust } from '../../client/trust.ts'
import type { Measurements } from '../../lib/attestation/policy.ts'
import { loadKeyPolicy } from '../../local/iam/resources.ts'
import { configurationPcr, launchEnclave, type LaunchedEnclave } from '../../local/enclave.ts'
import { login } from '../../local/login.ts'
import { startStack, type Stack } from '../../local/stack.ts'
import { operatorTable, type OperatorTable } from '../../test/support/operator-table.ts'
import { spell, type Attacker, type Attempt, type Evidence } from './attempt.ts'
import { createJudge, type Judge } from './judge.ts'
import { takePosition, type Position } from './position.ts'
import type { Login } from './sealing.ts'
import { makeVictim, type Victim } from './victim.ts'

export interface World {
  readonly stack: Stack
  readonly root: string
  readonly dir: string
  /** Folder of the image that everybody pins and KMS serves. */
  readonly image: string
  readonly pins: Measurements
  /** The relay's place, before the approved enclave. */
  readonly position: Position
  readonly table: OperatorTable
  readonly judge: Judge
  readonly victim: Victim
  readonly attempts: readonly Attempt[]
  /** A user of the attacker's own, logged in as anybody logs in. */
  logIn(username: string): Promise<Login>
  /** Logs in with a nonce that somebody else chose. */
  token(username: string, nonce: string): Promise<string>
  /** A token that the provider signs and would never give. */
  forge(claims: JWTPayload): Promise<string>
  launch(image: string, configuration: Uint8Array, forwarder?: string): Promise<LaunchedEnclave>
  /** What KMS serves from now on, besides the image and configuration that it always serves; a whole policy replaces even that. */
  approve(more: { readonly images?: readonly string[]; readonly configurations?: readonly string[] } | string): Promise<void>
  /** What KMS said of the last call that it got: `ok`, or the error's code, by its own audit. */
  kmsSaid(): Promise<string>
  tried(attacker: Attacker, attempt: string, evidence: Evidence): Promise<Attempt>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly root: string
  readonly dir: string
  readonly print?: (line: string) => void
}

export async function makeWorld({ root, dir, print = () => undefined }: WorldOptions): Promise<World> {
  const stateDir = join(dir, 'state')
  const stack = await startStack({ root, stateDir, chain: false })
  const launched: LaunchedEnclave[] = []
  const attempts: Attempt[] = []
  const close = async (): Promise<void> => {
    await Promise.all(launched.map((enclave) => enclave.close()))
    await stack.close()
  }
  try {
    const served = stack.services.enclaves[0] as LaunchedEnclave
    const judge = createJudge(stack)
    const position = takePosition(stack, served.serviceUrl)
    const table = operatorTable(stack)
    const token = (username: string, nonce: string): Promise<string> =>
      login({ issuer: stack.issuerUrl, clientId: stack.clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca: stack.caPem })
    const pins = stack.trust.measurements[0] as Measurements
    const victim = await makeVictim({ position, trust: stack.trust, token, judge })
    return {
      stack, root, dir, position, table, judge, victim, attempts, token, pins,
      image: join(stateDir, 'image', 'enclave'),
      async logIn(username) {
        const clientKey = await createClientKey()
        return { clientKey, token: await token(username, await loginNonce(clientKey)) }
      },
      async forge(claims) {
        const saved = JSON.parse(await readFile(join(stateDir, 'issuer', 'issuer.json'), 'utf8')) as { signing: [JWK] }
        const [jwk] = saved.signing
        return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: jwk.kid ?? '' }).sign(await importJWK(jwk, 'RS256'))
      },
      async launch(image, configuration, forwarder) {
        const enclave = await launchEnclave({ root, image, pkiDir: join(stateDir, 'simulator'), ...(forwarder === undefined ? {} : { forwarder }) })
        launched.push(enclave)
        await enclave.configure(configuration)
        await enclave.giveCredentials(stack.enclaveCredentials())
        return enclave
      },
      async approve(more) {
        const usual = typeof more === 'string' ? [] : [[pins.pcr0, ...(more.images ?? [])], [pins.pcr16, ...(more.configurations ?? [])]]
        const policyText = typeof more === 'string' ? more : await loadKeyPolicy(join(root, 'resources'), usual[0], usual[1])
        await stack.services.kms.keys.update(stack.keyArn.split('/')[1] as string, { policyText })
      },
      async kmsSaid() {
        const last = (await readFile(join(stateDir, 'kms-audit.jsonl'), 'utf8')).trim().split('\n').at(-1) ?? '{}'
        const { eventName, errorCode = 'ok' } = JSON.parse(last) as { eventName: string; errorCode?: string }
        return `KMS: ${eventName} ${errorCode}`
      },
      async tried(attacker, attempt, evidence) {
        const entry = { ...evidence, attacker, attempt, won: await judge.weigh(evidence) }
        attempts.push(entry)
        const won = spell(entry.won) === 'nothing' && evidence.denial === true ? 'nothing but denial of service' : spell(entry.won)
        print(`${attacker}: ${attempt} → ${won} (${evidence.stopped}${evidence.note === undefined ? '' : `; ${evidence.note}`})`)
        return entry
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What pins another image, or another configuration, would be. */
export function measured(enclave: LaunchedEnclave, configuration: Uint8Array): Measurements {
  return { ...enclave.image, pcr16: configurationPcr(configuration) }
}

export function trustIn(world: Pick<World, 'stack'>, measurements: Measurements): Trust {
  return { root: world.stack.trust.root, measurements: [measurements] }
}

/** The victim's app, through whatever relay: it logs in anew, and trusts what it is told to trust. */
export function appFor(world: Pick<World, 'token'>, position: Pick<Position, 'fetch'>, trust: Trust): Promise<Cloister> {
  return connect({ url: 'http://relay.example', trust, login: ({ nonce }) => world.token('alice', nonce), fetch: position.fetch })
}
