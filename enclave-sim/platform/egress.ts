/** The enclave's way out: TLS that ends in here, over TCP on a laptop, over the parent's forwarder on Nitro. */
import { Agent } from 'node:https'
import { connect } from 'node:net'

/** `direct`: the enclave has a network. `forwarder`: one UNIX socket per host, `<directory>/<host>:<port>`, and no network. */
export type Egress = { readonly kind: 'direct' } | { readonly kind: 'forwarder'; readonly directory: string }

const CONNECT_TIMEOUT_MS = 3_000
const MAX_SOCKETS = 64

/** @param ca PEM; `null` for the public roots that Node was built with */
export function createAgent(egress: Egress, ca: string | null): Agent {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: CONNECT_TIMEOUT_MS, minVersion: 'TLSv1.2' as const }
  const agent = new Agent(ca === null ? options : { ...options, ca })
  if (egress.kind === 'direct') return agent
  const connectTls = agent.createConnection.bind(agent)
  agent.createConnection = (to, done) => {
    const socket = connect({ path: `${egress.directory}/${to.host}:${to.port}` })
    return connectTls({ ...to, socket } as typeof to, done)
  }
  return agent
}
