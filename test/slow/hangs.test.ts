/** Services that take a request and never answer: each wait ends, and nothing is lost. */
import { startCloud, type Cloud } from '../support/cloud.ts'
import { faultCases, healAll } from '../support/fault-cases.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud()
}, 60_000)
afterAll(() => cloud?.close())
afterEach(() => healAll(cloud))

faultCases(() => cloud, 'hang')
