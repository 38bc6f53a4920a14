/** The part of dynalite that ./engine.ts uses. */
declare module 'dynalite' {
  import type { Server } from 'node:http'

  export interface Options {
    /** LevelDB directory; in memory when absent. */
    readonly path?: string
    readonly createTableMs?: number
    readonly deleteTableMs?: number
    readonly updateTableMs?: number
  }
  export default function dynalite(options: Options): Server
}
