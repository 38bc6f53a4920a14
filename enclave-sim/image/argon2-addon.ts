/** Puts the native Argon2 into the image as a file of its own, measured like the rest; the package's own search for it stays outside. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'

/** Its name in the image, beside the bundle. */
export const ARGON2_FILE = 'argon2.node'

const PACKAGE = '@node-rs/argon2'
const EXPORTS = ['Algorithm', 'Version', 'hash', 'hashRaw', 'hashRawSync', 'hashSync', 'parseOptions', 'verify', 'verifySync']

/** Loads {@link ARGON2_FILE} from the bundle's folder and nowhere else. */
const SHIM = `import { createRequire } from 'node:module'
const addon = createRequire(import.meta.url)('./${ARGON2_FILE}')
export const { ${EXPORTS.join(', ')} } = addon
`

/** esbuild plugin: what imports `@node-rs/argon2` gets the image's addon. */
export const argon2Addon: Plugin = {
  name: 'argon2-addon',
  setup(build) {
    build.onResolve({ filter: /^@node-rs\/argon2$/ }, () => ({ path: PACKAGE, namespace: 'addon' }))
    build.onLoad({ filter: /.*/, namespace: 'addon' }, () => ({ contents: SHIM, loader: 'js' }))
  },
}

/** Path of the prebuilt addon for this platform, as npm installed it for the project in `root`. */
export function findArgon2Addon(root: string): string {
  const { platform, arch } = process
  const target = platform === 'linux' ? `linux-${arch}-${usesGlibc() ? 'gnu' : 'musl'}` : `${platform}-${arch}`
  const fromProject = createRequire(join(root, 'package.json'))
  return createRequire(fromProject.resolve(PACKAGE)).resolve(`${PACKAGE}-${target}`)
}

function usesGlibc(): boolean {
  // Else the report looks up the names of all its peers first.
  Object.assign(process.report, { excludeNetwork: true })
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime !== undefined
}
