/** `npm run sign -- USER`: the client's whole job against a running `npm start`: log in, find or make a wallet, sign a transfer of nothing. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serializeTransaction, toBytes, toHex } from 'viem'
import { connect } from '../client/connect.ts'
import { login } from '../local/login.ts'

const state = join(import.meta.dirname, '..', '.local')
const { url, root, measurements, issuer, clientId } = JSON.parse(await readFile(join(state, 'trust.json'), 'utf8'))
const ca = await readFile(join(state, 'tls', 'ca.pem'), 'utf8')
const username = process.argv[2] ?? 'alice'
const pin = process.argv[3] ?? '493817'

const cloister = await connect({
  url,
  trust: { root: Buffer.from(root, 'base64'), measurements },
  login: ({ nonce }) => login({ issuer, clientId, redirectUri: 'http://127.0.0.1/callback', username, nonce, ca }),
})
const [known] = await cloister.wallets.list()
const wallet = known === undefined ? await cloister.wallets.create({ pin }) : await cloister.wallets.get(known.id)
const transaction = toBytes(serializeTransaction({ type: 'eip1559', chainId: 31337, to: wallet.last.accounts[0]?.address as `0x${string}`, value: 0n, gas: 21_000n, maxFeePerGas: 2_000_000_000n }))
const { signed, address } = await wallet.signTransaction({ chain: 'eip155:31337', transaction }, { pin })
console.log(`wallet ${wallet.id}\nsigner ${address}\nsigned ${toHex(signed)}`)
