/** The whole cloud on one machine, started in the order in which one would deploy it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Measurements } from '../lib/attestation/policy.ts'
import { verifyAttestation } from '../lib/attestation/verify.ts'
import { issuerHash } from '../lib/tokens/owner.ts'
import { attachEnclave, type EnclaveAddress } from './attach.ts'
import { startChain, type LocalChain } from './chain.ts'
import { startDynamoDb, type DynamoDb } from './dynamodb.ts'
import { buildEnclave, configurationPcr, launchEnclave, readMeasurements, simulatorRoot, type EnclaveCredentials, type LaunchedEnclave } from './enclave.ts'
import { createIdentities, type Identities } from './iam/identities.ts'
import { loadKeyPolicy, loadMain, loadTenant, REGION, type Role } from './iam/resources.ts'
import { DEMO_CLIENT, startIssuer, type Issuer } from './issuer.ts'
import { auditToFile } from './kms/audit.ts'
import { startKms, type Kms } from './kms/server.ts'
import { anyFreePort } from './ports.ts'
import { ensureDir } from './state.ts'
import { createJwksFetcher } from './sts/jwks.ts'
import { startSts, type Sts } from './sts.ts'
import { createLocalCa } from './tls.ts'

export interface StackOptions {
  /** The project's folder. */
  readonly root: string
  /** Everything that survives a restart. */
  readonly stateDir: string
  /** 0 or absent: any free port. The issuer's is part of its name, and so of every wallet's owner. */
  readonly ports?: Partial<Record<'issuer' | 'login' | 'kms' | 'dynamodb' | 'sts' | 'chain', number>>
  /** Origins whose pages may call the API and the issuer. */
  readonly origins?: readonly string[]
  readonly redirectUris?: readonly string[]
  readonly enclaves?: number
  /** Instead of starting enclaves: those that run elsewhere, and the folder of the simulator's root that vouches for them. */
  readonly attach?: { readonly enclaves: readonly EnclaveAddress[]; readonly pkiDir: string }
  /** Where the tables are, instead of the embedded engine (dynamodb/remote.ts). */
  readonly dynamodbEngineUrl?: string | undefined
  /** False for tests that need no chain. */
  readonly chain?: boolean
  /** Changes the configuration before it is measured: for tests of what that leads to. */
  readonly configure?: (configuration: Record<string, unknown>) => Record<string, unknown>
}

export interface Stack {
  /** Environment of the relay's functions. */
  readonly env: Readonly<Record<string, string>>
  readonly issuerUrl: string
  /** The issuer for browsers of this machine (issuer.ts). */
  readonly loginUrl: string
  readonly clientId: string
  readonly caPem: string
  readonly chainUrl: string | null
  /** What an app pins. */
  readonly trust: { readonly root: Uint8Array; readonly measurements: readonly Measurements[] }
  readonly services: { readonly kms: Kms; readonly dynamodb: DynamoDb; readonly sts: Sts; readonly issuer: Issuer; readonly identities: Identities; readonly enclaves: readonly LaunchedEnclave[] }
  /** Puts a fresh enclave of the same image and configuration in the place of one that was killed; at the same port. */
  replaceEnclave(index: number): Promise<void>
  /** Fresh credentials of the enclave's role, as its host would give them. */
  enclaveCredentials(): EnclaveCredentials
  readonly configuration: Uint8Array
  readonly keyArn: string
  close(): Promise<void>
}

const TENANT = 'demo'
const CREDENTIALS_LIFE_MS = 3_600_000
const WATCH_MS = 500
const LIMITS = { running: 8, waiting: 512, waitingPerOwner: 128 }

export async function startStack(options: StackOptions): Promise<Stack> {
  const { root, stateDir, ports = {} } = options
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return await start()
  } catch (error) {
    await close()
    throw error
  }

  async function start(): Promise<Stack> {
    await ensureDir(stateDir)
    const tls = await createLocalCa({ dir: join(stateDir, 'tls') })
    const caFile = join(stateDir, 'tls', 'ca.pem')
    await writeFile(caFile, tls.caPem)
    const identities = createIdentities()
    const resources = join(root, 'resources')

    const issuer = await startIssuer({
      dir: join(stateDir, 'issuer'),
      port: ports.issuer ?? 0,
      browserPort: ports.login ?? 0,
      tls: tls.serverOptions,
      clients: [{ ...DEMO_CLIENT, redirectUris: [...DEMO_CLIENT.redirectUris, ...(options.redirectUris ?? [])] }],
      corsOrigins: options.origins ?? [],
    })
    closers.push(issuer.close)

    // Image first, its measurements known; it waits for its configuration, and attests nothing before.
    const pkiDir = options.attach?.pkiDir ?? join(stateDir, 'simulator')
    const enclaves: LaunchedEnclave[] = []
    closers.push(async () => void (await Promise.all(enclaves.map((enclave) => enclave.close()))))
    const image = options.attach === undefined ? await buildEnclave(root, join(stateDir, 'image')) : null
    if (image === null) for (const address of options.attach?.enclaves ?? []) enclaves.push(await attachEnclave(address))
    else for (let i = 0; i < (options.enclaves ?? 1); i++) enclaves.push(await launchEnclave({ root, image, pkiDir }))
    const rootDer = await simulatorRoot(pkiDir)

    const kms = await startKms({
      dir: join(stateDir, 'kms'),
      port: ports.kms ?? 0,
      tls: tls.serverOptions,
      identities,
      rootDer,
      verify: verifyAttestation,
      audit: auditToFile(join(stateDir, 'kms-audit.jsonl')),
    })
    closers.push(kms.close)
    // Phase one: the key exists, and nobody may use it.
    const key = kms.keys.list()[0] ?? (await kms.keys.create(await loadKeyPolicy(resources), 'Cloister, data keys of wallets'))

    const { table, enclaveRole } = await loadMain(resources, key.arn)
    const dynamodb = await startDynamoDb({ dir: join(stateDir, 'dynamodb'), port: ports.dynamodb ?? 0, tls: tls.serverOptions, identities, table, engineUrl: options.dynamodbEngineUrl })
    closers.push(dynamodb.close)
    const tenant = await loadTenant(resources, { tenant: TENANT, issuer: issuer.url, issuerHash: issuerHash(issuer.url), audience: DEMO_CLIENT.clientId })
    const sts = await startSts({
      port: ports.sts ?? 0,
      tls: tls.serverOptions,
      identities,
      roles: [tenant.userReadRole],
      providers: [tenant.provider],
      fetchJwks: createJwksFetcher(tls.caPem),
    })
    closers.push(sts.close)

    const issuers = [{ issuer: issuer.url, jwksUri: `${issuer.url}/jwks` }]
    const tenants = [{ id: TENANT, issuer: issuer.url, audiences: [DEMO_CLIENT.clientId], algorithms: ['RS256'], proofs: ['nonce'] }]
    const configuration = encodeConfiguration(
      (options.configure ?? ((same) => same))({
        format: 1,
        issuers,
        tenants,
        region: REGION,
        kmsKeyArn: key.arn,
        tableArn: table.arn,
        kms: { url: kms.url },
        dynamodb: { url: dynamodb.url },
        certificateAuthorities: tls.caPem,
        exportDelaySec: 0,
        limits: LIMITS,
      }),
    )
    await writeFile(join(stateDir, 'configuration.json'), configuration)

    // Phase two: the key's policy names this image with this configuration.
    const pcr16 = configurationPcr(configuration)
    const pinned = image === null ? (enclaves[0] as LaunchedEnclave).image : await readMeasurements(join(stateDir, 'image'))
    const measurements = { ...pinned, pcr16 }
    await kms.keys.update(key.keyId, { policyText: await loadKeyPolicy(resources, [measurements.pcr0], [pcr16]) })
    for (const enclave of enclaves) await prepare(enclave)
    const timer = setInterval(() => void Promise.allSettled(enclaves.map((enclave) => enclave.giveCredentials(issueCredentials()))), CREDENTIALS_LIFE_MS / 2)
    const watch = setInterval(() => void Promise.allSettled(enclaves.map(async (enclave) => (await enclave.isFresh?.()) && prepare(enclave))), WATCH_MS)
    closers.push(async () => [timer, watch].forEach(clearInterval))

    function issueCredentials(): EnclaveCredentials {
      return issueRole(identities, enclaveRole, Date.now() + CREDENTIALS_LIFE_MS)
    }

    async function prepare(enclave: LaunchedEnclave): Promise<void> {
      await enclave.configure(configuration)
      await enclave.giveCredentials(issueCredentials())
    }

    const chain: LocalChain | null =
      options.chain === false ? null : await startChain({ root, port: ports.chain || (await anyFreePort()), stateFile: join(stateDir, 'chain.json') })
    if (chain !== null) closers.push(chain.close)

    return {
      env: {
        CLOISTER_TENANCY: JSON.stringify({ issuers, tenants, readRoles: { [TENANT]: tenant.userReadRole.arn } }),
        CLOISTER_TABLE: table.name,
        CLOISTER_ENCLAVES: enclaves.map((enclave) => enclave.serviceUrl).join(','),
        CLOISTER_ORIGINS: (options.origins ?? []).join(','),
        CLOISTER_CA_FILE: caFile,
        AWS_REGION: REGION,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
        AWS_ENDPOINT_URL_STS: sts.url,
      },
      issuerUrl: issuer.url,
      loginUrl: issuer.browserUrl,
      clientId: DEMO_CLIENT.clientId,
      caPem: tls.caPem,
      chainUrl: chain?.url ?? null,
      trust: { root: rootDer, measurements: [measurements] },
      services: { kms, dynamodb, sts, issuer, identities, enclaves },
      async replaceEnclave(index) {
        if (image === null) throw new Error('the enclave is not ours to start')
        const { port } = new URL((enclaves[index] as LaunchedEnclave).serviceUrl)
        const fresh = await launchEnclave({ root, image, pkiDir, port: Number(port) })
        enclaves[index] = fresh
        await prepare(fresh)
      },
      enclaveCredentials: issueCredentials,
      configuration,
      keyArn: key.arn,
      close,
    }
  }
}

function encodeConfiguration(configuration: Record<string, unknown>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(configuration, null, 2)}\n`)
}

function issueRole(identities: Identities, role: Role, expiresAtMs: number) {
  const { credentials } = identities.issueSession({ roleArn: role.arn, sessionName: 'enclave', policies: role.policies, context: new Map(), expiresAtMs })
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials
  return { accessKeyId, secretAccessKey, sessionToken, expiresAtMs }
}
