/**
 * Program: `npm run measure [-- --config FILE] [--out DIR]`. Builds the enclave image into DIR/enclave (.build), prints what it measures to, and
 * writes the release manifest DIR/measurements.json. Who rebuilds a release compares the two.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ENCLAVE_NODE_ARGS } from '../enclave-sim/image/args.ts'
import { buildImage } from '../enclave-sim/image/build.ts'
import { measureConfiguration, measureImage } from '../enclave-sim/image/measure.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { config: { type: 'string' }, entry: { type: 'string', default: 'enclave-sim/main.ts' }, out: { type: 'string', default: join(root, '.build') } },
})

const outDir = join(values.out, 'enclave')
const image = await buildImage({ root, entry: values.entry, outDir })
const pcrs = await measureImage(outDir, process.execPath, ENCLAVE_NODE_ARGS)
const measurements = values.config === undefined ? pcrs : { ...pcrs, pcr16: measureConfiguration(await readFile(values.config)) }

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
const manifest = {
  version,
  image: { files: image.files, node: { version: process.versions.node, platform: process.platform, arch: process.arch, args: ENCLAVE_NODE_ARGS } },
  measurements: [measurements],
}
await mkdir(values.out, { recursive: true })
await writeFile(join(values.out, 'measurements.json'), `${JSON.stringify(manifest, null, 2)}\n`)
console.log(JSON.stringify(measurements, null, 2))
