/** Services that take a request and never answer, or begin and never end: each wait ends, and nothing is lost. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { faultCases, healAll } from '../support/fault-cases.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud()
}, 60_000)
afterAll(() => cloud?.close())
afterEach(() => healAll(cloud))

describe.each(['hang', 'stall'] as const)('%s', (mode) => faultCases(() => cloud, mode))
