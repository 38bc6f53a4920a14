/** docs/deploy.md says what is so: names that it uses exist, and what of its commands runs without AWS gives what it says. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfiguration } from '../../enclave-sim/core/configuration.ts'
import { AWS_NITRO_ROOT_G1_SHA256 } from '../../lib/attestation/root.ts'
import { issuerHash } from '../../lib/tokens/owner.ts'
import { readYaml } from '../support/deploy-package.ts'
import { stateDir } from '../support/local.ts'

const TEXT = readFileSync(join('docs', 'deploy.md'), 'utf8')
const blocks = (language: string): string[] => [...TEXT.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] as string)
const block = (language: string, marker: string): string => blocks(language).find((text) => text.includes(marker)) as string

test('the configuration in it is one that an enclave reads', () => {
  const filled = block('json', 'kmsKeyArn').replace('key/…', 'key/1234')
  expect(readConfiguration(new TextEncoder().encode(filled))).toMatchObject({ region: 'eu-central-1', tableArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/cloister-wallets-production' })
})

test('the command for the issuer\'s hash gives it', () => {
  const command = block('sh', 'issuerHash').trim().replace(/^node /, `"${process.execPath}" --disable-warning=ExperimentalWarning `)
  const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8' })
  expect(stdout.trim()).toBe(issuerHash('https://login.example'))
})

test('the root\'s hash is the one that the code pins', () => {
  expect(TEXT).toContain(`It must be \`${AWS_NITRO_ROOT_G1_SHA256}\``)
})

const awsRoot = join('..', 'shared', 'vectors', 'aws_nitro_root_g1.pem')
const withAwsRoot = existsSync(awsRoot) && spawnSync('openssl', ['version']).status === 0 ? test : test.skip
withAwsRoot('and its command gives that hash', async () => {
  const dir = await stateDir()
  await copyFile(awsRoot, join(dir, 'root.pem'))
  const command = block('sh', 'openssl').split('\n').find((line) => line.startsWith('openssl')) as string
  expect(spawnSync('bash', ['-c', command], { cwd: dir, encoding: 'utf8' }).stdout.split(' ')[0]).toBe(AWS_NITRO_ROOT_G1_SHA256)
})

test.each(['tenant', 'deployer'])('the command for %s.yml gives each parameter that has no default, and no other', async (name) => {
  const command = block('sh', `resources/${name}.yml`)
  const given = [...command.slice(command.indexOf('--parameter-overrides')).matchAll(/(\w+)=/g)].map((match) => match[1] as string)
  const { Parameters } = await readYaml(join('resources', `${name}.yml`))
  for (const parameter of given) expect(Object.keys(Parameters)).toContain(parameter)
  const needed = Object.entries(Parameters).filter(([, entry]) => !Object.hasOwn(entry as object, 'Default')).map(([parameter]) => parameter)
  expect(needed.filter((parameter) => !given.includes(parameter))).toEqual([])
})

test('settings, outputs, alarms and files that it names exist', () => {
  const sources = ['serverless.yml', '.github/workflows/deploy.yml', ...['table', 'keys', 'roles', 'network', 'firewall', 'endpoints', 'enclave', 'trail', 'alarms', 'api', 'tenant', 'deployer'].map((name) => `resources/${name}.yml`)]
  const all = sources.map((file) => readFileSync(file, 'utf8')).join('\n')
  for (const [setting] of TEXT.matchAll(/CLOISTER_\w+/g)) expect(all).toContain(setting)
  for (const name of ['DataKeyArn', 'TableArn', 'ArtifactsBucket', 'RelayDynamoDbEndpointId', 'DeployRoleArn']) {
    expect(TEXT).toContain(`\`${name}\``)
    expect(all).toContain(`  ${name}:\n`)
  }
  const alarms = [...readFileSync('resources/alarms.yml', 'utf8').matchAll(/^ {2}(\w+):\n {4}Type: AWS::CloudWatch::Alarm/gm)].map((match) => match[1] as string)
  expect(alarms).toHaveLength(9)
  for (const name of alarms) expect(TEXT).toContain(`\`${name}\``)
  for (const [file] of TEXT.matchAll(/(?:resources|scripts|lib)\/[\w./-]+\.\w+/g)) expect([file, existsSync(file)]).toEqual([file, true])
})
