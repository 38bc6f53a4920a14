/**
 * Another engine than the embedded one: an endpoint on this machine that looks at no signature. AWS's own DynamoDB Local is one; started without
 * `-sharedDb` it keeps a database for each access key.
 */
import { createHash } from 'node:crypto'
import { Agent } from 'node:http'
import { REGION } from '../iam/resources.ts'
import { forward, type Engine } from './engine.ts'

/**
 * @param url - `http://127.0.0.1:<port>`
 * @param dir - names the database: the same folder finds the same items, for as long as the endpoint runs
 * @throws TypeError for an endpoint that is not on this machine: nothing on the way there keeps a secret
 */
export function connectEngine(url: string, dir: string): Engine {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'http:' || hostname !== '127.0.0.1' || port === '') throw new TypeError('an engine is at http://127.0.0.1:<port>')
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const accessKey = createHash('sha256').update(dir).digest('hex').slice(0, 20)
  const to = { agent, host: hostname, port }
  return {
    call: (operation, body) => forward(to, `${accessKey}/20260101/${REGION}/dynamodb/aws4_request`, operation, body),
    close: async () => agent.destroy(),
  }
}
