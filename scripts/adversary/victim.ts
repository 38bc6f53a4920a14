/** Somebody with a wallet, through the relay that the attackers sit in: what they type and sign is what there is to win. */
import { connect, type Cloister, type Wallet } from '../../client/connect.ts'
import type { Trust } from '../../client/trust.ts'
import type { WalletRecord } from '../../lib/protocol/record.ts'
import { utf8 } from '../../lib/protocol/bytes.ts'
import { CHAIN, transfer } from '../../test/support/transactions.ts'
import type { Judge } from './judge.ts'
import type { Position } from './position.ts'

/** Four digits, and early among them: so that who can search, finds. */
export const SHORT_PIN = '0042'

export interface Victim {
  readonly name: string
  readonly pin: string
  readonly cloister: Cloister
  readonly wallet: Wallet
  readonly address: string
  /** A second wallet, under {@link SHORT_PIN}, as many people choose one. */
  readonly weak: Wallet
  readonly token: string
  readonly owner: string
  /** The record after each of the steps: the first version, then the next. */
  readonly records: readonly WalletRecord[]
  /** As the table holds it now. */
  record(wallet?: string): Promise<WalletRecord>
  /** Signs something new with the right PIN; resolves to the code. */
  sign(): Promise<string>
}

export async function makeVictim(options: {
  readonly position: Position; readonly trust: Trust; readonly judge: Judge; readonly token: (username: string, nonce: string) => Promise<string>
}): Promise<Victim> {
  const { position, trust, judge } = options
  const [name, pin] = ['alice', '4938 1726 0055']
  let token = ''
  const cloister = await connect({
    url: 'http://relay.example',
    trust,
    login: async ({ nonce }) => (token = await options.token(name, nonce)),
    fetch: position.fetch,
  })
  judge.plaintext('PIN', utf8(pin))
  const wallet = await cloister.wallets.create({ pin })
  const weak = await cloister.wallets.create({ pin: SHORT_PIN })
  const address = wallet.last.accounts[0]?.address as string
  const current = async (id = wallet.id): Promise<WalletRecord> => {
    const found = await position.record(token, id)
    if (found === null) throw new Error('the victim has no record')
    return found
  }

  let nonce = 0
  async function sign(): Promise<string> {
    nonce += 1
    const transaction = transfer(nonce, { value: 123_456_789_123_456_789n + BigInt(nonce) })
    judge.plaintext(`transaction ${nonce}`, transaction)
    try {
      const { signed } = await wallet.signTransaction({ chain: CHAIN, transaction }, { pin })
      judge.asked(signed, address)
      judge.plaintext(`signed ${nonce}`, signed)
      return 'ok'
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  const records = [await current()]
  await sign()
  await wallet.signTransaction({ chain: CHAIN, transaction: transfer(9) }, { pin: 'a typing error' }).catch(() => undefined)
  records.push(await current())
  await sign()
  await wallet.view()
  records.push(await current())
  for (const record of records) await judge.learn(record, pin)
  await judge.learn(await current(weak.id), SHORT_PIN)
  return { name, pin, cloister, wallet, address, weak, token, owner: await position.owner(token), records, record: current, sign }
}
