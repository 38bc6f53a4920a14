/** An enclave of the approved image on a host that starts it anew whenever it likes: what it remembered is gone. */
import type { AttestedChannel } from '../../client/trust.ts'
import { createEnclaveClient, type EnclaveClient } from '../../lib/enclave/client.ts'
import type { LaunchedEnclave } from '../../local/enclave.ts'
import { channelOf } from './sealing.ts'
import { measured, trustIn, type World } from './world.ts'

export interface Restarts {
  /** Of the one that runs now. */
  readonly client: EnclaveClient
  readonly channel: AttestedChannel
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startRestarts(world: World, configuration: Uint8Array): Promise<Restarts> {
  let running = await start(world, configuration)
  return {
    get client() {
      return running.client
    },
    get channel() {
      return running.channel
    },
    async restart() {
      await running.enclave.close()
      running = await start(world, configuration)
    },
    close: () => running.enclave.close(),
  }
}

async function start(world: World, configuration: Uint8Array): Promise<{ enclave: LaunchedEnclave; client: EnclaveClient; channel: AttestedChannel }> {
  const enclave = await world.launch(world.image, configuration)
  const client = createEnclaveClient(enclave.serviceUrl)
  return { enclave, client, channel: await channelOf(client, trustIn(world, measured(enclave, configuration))) }
}
