/** Program: `npm run operator -- COMMAND [options]`. */
import { operatorCommand } from './operator/command.ts'

process.exitCode = await operatorCommand(process.argv.slice(2), { out: (line) => console.log(line), err: (line) => console.error(line) })
