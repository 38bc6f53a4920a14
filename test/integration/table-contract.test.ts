/** The wallet table's conditional writes on the local table: the same cases as in memory, the enclave's client writing and the relay's reading. */
import { engineUrl } from '../support/local.ts'
import { describeTable } from '../support/table-contract.ts'
import { benchOf, localTable, type TablePeer } from '../support/table-peer.ts'

let peer: TablePeer
beforeAll(async () => void (peer = await localTable(engineUrl)))

describeTable('the local table', () => benchOf(peer))
