/** `npm run sign -- USER [PIN]`: the client's whole job against a running `npm start`: log in, find or make a wallet, sign a transfer of nothing. */
import { serializeTransaction, toBytes, toHex } from 'viem'
import { CloisterError, connect } from '../client/connect.ts'
import { localApp } from '../local/app.ts'

const [username = 'alice', pin = '493817'] = process.argv.slice(2)
try {
  const cloister = await connect(await localApp(username))
  const [known] = await cloister.wallets.list()
  const wallet = known === undefined ? await cloister.wallets.create({ pin }) : await cloister.wallets.get(known.id)
  const to = wallet.last.accounts[0]?.address as `0x${string}`
  const unsigned = serializeTransaction({ type: 'eip1559', chainId: 31337, to, value: 0n, gas: 21_000n, maxFeePerGas: 2_000_000_000n })
  const { signed, address } = await wallet.signTransaction({ chain: 'eip155:31337', transaction: toBytes(unsigned) }, { pin })
  console.log(`wallet ${wallet.id}\nsigner ${address}\nsigned ${toHex(signed)}`)
} catch (error) {
  if (error instanceof CloisterError) console.error(`sign: ${error.code}: ${error.message}`, error.guesses ?? '')
  else console.error('sign: no answer. Is "npm start" running?')
  process.exitCode = 1
}
