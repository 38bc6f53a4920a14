/** Where most tests of the core start: one world and one enclave a file, and for each test somebody new who logged in. */
import type { Enclave } from '../../enclave-sim/core/enclave.ts'
import { createTestClient, type TestClient } from './core-client.ts'
import { createWorld, type World } from './core-world.ts'

interface Setup {
  readonly world: World
  readonly enclave: Enclave
  readonly client: TestClient
}

/**
 * @param take gets the set-up before each test
 * @param advanceMs how much time passes before each login
 */
export function setUp(take: (setup: Setup) => void, advanceMs = 0): void {
  let world: World
  let enclave: Enclave
  beforeAll(async () => {
    world = await createWorld()
    enclave = await world.enclave()
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    world.advance(advanceMs)
    take({ world, enclave, client: createTestClient(world, enclave, await world.login()) })
  })
}
