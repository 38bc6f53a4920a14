/** Program: `npm run api-docs`. Writes the module with the API's reference page. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GENERATED, generateModule } from './api-docs/generate.ts'

const root = join(import.meta.dirname, '..')
await writeFile(join(root, GENERATED), generateModule(await readFile(join(root, 'openapi.yaml'), 'utf8')))
console.log(GENERATED)
