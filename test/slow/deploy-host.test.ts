/**
 * The enclave's host (resources/host): its user data run in a folder with stand-ins for dnf, aws, systemctl and nitro-cli, and its agent with a real enclave
 * (as a process) and instance metadata that we play. What can't run here: vsock, nitro-cli, Amazon Linux.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfiguration, type Configuration } from '../../enclave-sim/core/configuration.ts'
import { createConnect } from '../../enclave-sim/platform/connect.ts'
import { buildEnclave } from '../../local/enclave.ts'
import { packageService, readTemplate, type Resource } from '../support/deploy-package.ts'
import { cleanup, stateDir } from '../support/local.ts'

jest.setTimeout(120_000)

const VALUES: Readonly<Record<string, string>> = {
  'AWS::Region': 'eu-central-1', 'AWS::AccountId': '111122223333', Artifacts: 'artifacts', EnclaveImage: 'release-1.eif', EnclaveConfiguration: 'production-1.json', HostLogs: '/cloister/hosts',
}
const ISSUERS = ['login.example', 'keys.other.example']

/** As an operator writes it: AWS's own endpoints. */
const configuration = {
  format: 1, region: 'eu-central-1', kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/k', tableArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/cloister-wallets', kms: { url: null }, dynamodb: { url: null },
  issuers: [{ issuer: 'https://login.example', jwksUri: 'https://login.example/jwks' }], certificateAuthorities: null, exportDelaySec: 0, limits: { running: 1, waiting: 1, waitingPerOwner: 1 },
  tenants: [{ id: 'acme', issuer: 'https://login.example', audiences: ['app'], algorithms: ['RS256'], proofs: ['nonce'] }],
}

/** User data as an instance gets it: the template's Join, with its texts filled in. */
async function userData(): Promise<string> {
  const { Resources } = await readTemplate(await packageService())
  const { LaunchTemplateData: data } = (Resources['HostTemplate'] as Resource).Properties as unknown as { LaunchTemplateData: { UserData: { 'Fn::Base64': { 'Fn::Join': [string, unknown[]] } } } }
  const [separator, parts] = data.UserData['Fn::Base64']['Fn::Join']
  return parts.map((part) => fill(part as never)).join(separator)
}

function fill(part: string | { readonly Ref: string } | { readonly 'Fn::Sub': string } | { readonly 'Fn::Join': [string, never[]] }): string {
  if (typeof part === 'string') return part
  if ('Fn::Sub' in part) return part['Fn::Sub'].replace(/\$\{([^}]+)\}/g, (_whole, name: string) => VALUES[name] as string)
  if ('Ref' in part) return part.Ref === 'IssuerHosts' ? ISSUERS.join(' ') : (VALUES[part.Ref] as string)
  const [separator, items] = part['Fn::Join']
  return Array.isArray(items) ? items.map(fill).join(separator) : fill(items)
}

describe('user data', () => {
  let text: string
  let root: string
  let calls: string[]

  beforeAll(async () => {
    text = await userData()
    const dir = await stateDir()
    root = join(dir, 'root')
    const bin = join(dir, 'bin')
    await mkdir(bin)
    await mkdir(root)
    for (const name of ['dnf', 'aws', 'systemctl']) {
      await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${join(dir, 'calls')}\n`)
      await chmod(join(bin, name), 0o755)
    }
    const script = join(dir, 'user-data.sh')
    // Absolute paths that the stand-ins do not cover go below the folder.
    await writeFile(script, text.replaceAll('/opt/aws/', `${root}/opt/aws/`).replace('mkdir -p /opt/cloister\ncat > /opt', `mkdir -p ${root}/opt/cloister\ncat > ${root}/opt`))
    await mkdir(join(root, 'opt/aws/amazon-cloudwatch-agent/bin'), { recursive: true })
    await writeFile(join(root, 'opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl'), `#!/bin/sh\necho "logs $*" >> ${join(dir, 'calls')}\n`, { mode: 0o755 })
    const { status, stderr } = spawnSync('bash', [script], { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, CLOISTER_ROOT: root }, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    calls = (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n')
  })

  const unit = (name: string): Promise<string> => readFile(join(root, 'etc/systemd/system', `cloister-${name}.service`), 'utf8')

  test('is a script, within what EC2 takes (16 KB), with nothing left to fill in', () => {
    expect(text.startsWith('#!/bin/bash\n')).toBe(true)
    expect(Buffer.byteLength(text)).toBeLessThan(16_384)
    expect(text).not.toMatch(/\$\{/)
  })

  test('fetches the image and the configuration that the stack names, and starts all units, the enclave last', () => {
    expect(calls).toEqual([
      'dnf install -y aws-nitro-enclaves-cli socat amazon-cloudwatch-agent',
      `aws s3 cp --only-show-errors --region eu-central-1 s3://artifacts/release-1.eif ${root}/opt/cloister/release-1.eif`,
      `aws s3 cp --only-show-errors --region eu-central-1 s3://artifacts/production-1.json ${root}/opt/cloister/production-1.json`,
      `logs -a fetch-config -m ec2 -s -c file:${root}/opt/cloister/logs.json`,
      'systemctl daemon-reload',
      'systemctl enable --now nitro-enclaves-allocator cloister-door cloister-egress-9001 cloister-egress-9002 cloister-egress-9003 cloister-egress-9004 cloister-egress cloister-agent',
    ])
  })

  test('forwards to KMS, DynamoDB and the issuers, and to nobody else', async () => {
    const hosts = ['kms.eu-central-1.amazonaws.com', 'dynamodb.eu-central-1.amazonaws.com', ...ISSUERS]
    expect(await readFile(join(root, 'opt/cloister/egress'), 'utf8')).toBe(hosts.map((host, index) => `${9001 + index} ${host}:443\n`).join(''))
    const files = await readdir(join(root, 'etc/systemd/system'))
    expect(files.filter((name) => name.includes('egress-')).sort()).toEqual(hosts.map((_host, index) => `cloister-egress-${9001 + index}.service`))
    for (const [index, host] of hosts.entries()) {
      expect(await unit(`egress-${9001 + index}`)).toContain(`ExecStart=/usr/bin/socat VSOCK-LISTEN:${9001 + index},fork,reuseaddr,max-children=256 TCP4:${host}:443,connect-timeout=5\nDynamicUser=yes\n`)
    }
  })

  test('these are the names that the enclave asks for, when AWS\'s own endpoints are configured', async () => {
    const directory = join(root, 'out')
    await mkdir(directory)
    const reached = new Set<string>()
    for (const line of (await readFile(join(root, 'opt/cloister/egress'), 'utf8')).trim().split('\n')) {
      const host = line.slice(line.indexOf(' ') + 1)
      const server = createTcpServer((socket) => {
        reached.add(host)
        socket.destroy()
      }).listen(join(directory, host))
      await once(server, 'listening')
      cleanup(async () => void server.close())
    }
    const credentials = { current: () => ({ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c', expiresAtMs: Date.now() + 3_600_000 }), replace: () => undefined }
    const connect = createConnect({ kind: 'forwarder', directory }, credentials)
    const { kms, table, fetchJwks } = connect(readConfiguration(Buffer.from(JSON.stringify(configuration))) as Configuration, Date.now)
    const record = { owner: 'o', wallet: 'w', format: 1, version: 1, dataKey: new Uint8Array(1), state: new Uint8Array(1), seed: new Uint8Array(1), spent: 0, lockedUntilMs: 0, wrongMs: [], createdAtMs: 0, expiresAtSec: 0 }
    const signal = AbortSignal.timeout(5_000)
    const calls = [kms.generateRandom(new Uint8Array(1), 32), table.create(record), fetchJwks('https://login.example/jwks', { signal })]
    for (const result of await Promise.allSettled(calls)) expect(result.status).toBe('rejected')
    expect([...reached].sort()).toEqual(['dynamodb.eu-central-1.amazonaws.com:443', 'kms.eu-central-1.amazonaws.com:443', 'login.example:443'])
  })

  test('the enclave is never started in debug mode, and its agent starts it anew', async () => {
    const agent = await unit('agent')
    const program = '/usr/bin/python3 /opt/cloister/agent.py --door vsock:16:8002 --configuration /opt/cloister/production-1.json'
    expect(agent).toContain(`ExecStart=${program} -- /usr/bin/nitro-cli run-enclave --eif-path /opt/cloister/release-1.eif --cpu-count 2 --memory 4096 --enclave-cid 16\n`)
    for (const when of ['ExecStartPre', 'ExecStopPost']) expect(agent).toContain(`${when}=-/usr/bin/nitro-cli terminate-enclave --all\n`)
    expect(agent).toContain('Restart=always\n')
    expect(text).not.toMatch(/debug-mode|attach-console/)
  })

  test('the agent in it is resources/host/agent.py, and Python reads it', async () => {
    expect(await readFile(join(root, 'opt/cloister/agent.py'), 'utf8')).toBe(await readFile('resources/host/agent.py', 'utf8'))
    expect(spawnSync('python3', ['-m', 'py_compile', join(root, 'opt/cloister/agent.py')], { encoding: 'utf8' })).toMatchObject({ status: 0 })
  })
})

describe('the agent', () => {
  const given = { AccessKeyId: 'ASIAAAAAAAAAAAAAAAAA', SecretAccessKey: 'the-secret-key', Token: 'the-session-token', Expiration: '2030-01-02T03:04:05Z' }
  let dir: string
  let image: string
  let metadataUrl: string
  const asked: string[] = []

  beforeAll(async () => {
    dir = await stateDir()
    image = await buildEnclave(process.cwd(), join(dir, 'image'))
    await writeFile(join(dir, 'configuration.json'), JSON.stringify(configuration))
    await writeFile(join(dir, 'unreadable.json'), JSON.stringify({ ...configuration, more: 1 }))
    // IMDSv2: no token, no answer.
    const role = '/latest/meta-data/iam/security-credentials/'
    const answers: Record<string, string> = { '/latest/api/token': 'token', [role]: 'cloister-enclave', [`${role}cloister-enclave`]: JSON.stringify(given) }
    const metadata = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      const isToken = request.method === 'PUT' && request.headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
      const fine = isToken || request.headers['x-aws-ec2-metadata-token'] === 'token'
      response.writeHead(fine ? 200 : 401).end(fine ? answers[request.url ?? ''] : '')
    }).listen(0, '127.0.0.1')
    await once(metadata, 'listening')
    metadataUrl = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
    cleanup(async () => void metadata.close())
  })

  interface Enclave {
    readonly door: string
    kill(): Promise<void>
  }

  async function launch(): Promise<Enclave> {
    const program = join('enclave-sim', 'platform', 'simulator', 'launch.ts')
    const args = ['--image', image, '--pki', join(dir, 'pki'), '--service', 'tcp:127.0.0.1:0', '--host', 'tcp:127.0.0.1:0']
    const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    const kill = async (): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    cleanup(kill)
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return { door: (JSON.parse(line) as { listening: { host: string } }).listening.host, kill }
  }

  async function agent(door: string, more: readonly string[] = ['--once'], file = 'configuration.json'): Promise<{ code: number | null; events: object[] }> {
    const args = ['resources/host/agent.py', '--door', door, '--configuration', join(dir, file), '--metadata', metadataUrl, ...more]
    const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    const [code] = (await once(child, 'close')) as [number | null]
    for (const secret of [given.AccessKeyId, given.SecretAccessKey, given.Token]) expect(lines.join('\n')).not.toContain(secret)
    return { code, events: lines.map((line) => JSON.parse(line) as object) }
  }

  test('configures the enclave once, and gives it the role\'s credentials', async () => {
    const { door } = await launch()
    asked.length = 0
    expect(await agent(door)).toEqual({
      code: 0,
      events: [{ event: 'booted', phase: 'self-test' }, { event: 'configured', status: 200 }, { event: 'credentials', status: 200 }, { event: 'ends', phase: 'serving' }],
    })
    const role = '/latest/meta-data/iam/security-credentials/'
    expect(asked).toEqual(['PUT /latest/api/token', `GET ${role}`, `GET ${role}cloister-enclave`])
    // What starts the enclave is run first; if it fails, the enclave is not there, or the one that is.
    expect((await agent(door, ['--once', '--', 'sh', '-c', 'exit 3'])).events[0]).toEqual({ event: 'started', status: 3 })
    // Started anew beside an enclave that serves: it leaves the configuration alone.
    expect((await agent(door)).events).toEqual([{ event: 'booted', phase: 'serving' }, { event: 'credentials', status: 200 }, { event: 'ends', phase: 'serving' }])
    // No metadata for a moment is no reason to end.
    expect(await agent(door, ['--once', '--metadata', 'http://127.0.0.1:1'])).toEqual({
      code: 0, events: [{ event: 'booted', phase: 'serving' }, { event: 'credentials', error: 'URLError' }, { event: 'ends', phase: 'serving' }],
    })
  })

  test('ends with an error when the enclave does not take the configuration', async () => {
    const { door } = await launch()
    const { code, events } = await agent(door, ['--watch', '0.05'], 'unreadable.json')
    expect(code).toBe(1)
    expect(events.at(-1)).toEqual({ event: 'ends', phase: 'self-test' })
  })

  test('gives fresh credentials again and again, and ends with an error when the enclave goes', async () => {
    const { door, kill } = await launch()
    asked.length = 0
    const running = agent(door, ['--watch', '0.05', '--every', '0.05'])
    while (asked.filter((line) => line.startsWith('PUT')).length < 3) await sleep(20)
    await kill()
    const { code, events } = await running
    expect(code).toBe(1)
    expect(events.filter((event) => 'status' in event && event.status === 200).length).toBeGreaterThanOrEqual(3)
    expect(events.at(-1)).toEqual({ event: 'ends', phase: 'away' })
  })
})
