/** Uniswap's Permit2: allowances with 160 bits and an end, and transfers by signature. */
import type { AbiValue } from './abi.ts'
import { action, type Effect, type Rule } from './call.ts'
import { approval } from './tokens.ts'

type Address = string
type Details = readonly [token: Address, amount: bigint, expiration: bigint, nonce: bigint]
type Move = readonly [from: Address, to: Address, amount: bigint, token: Address]

const DETAILS = '(address,uint160,uint48,uint48)'

export const PERMIT2_RULES: readonly Rule[] = [
  {
    signature: 'approve(address,address,uint160,uint48)',
    effect: ({ from: owner }, values) => {
      const [token, spender, amount, expiration] = values as [Address, Address, bigint, bigint]
      return approval({ token, owner, spender, amount, expiration }, amount, 160)
    },
  },
  {
    signature: `permit(address,(${DETAILS},address,uint256),bytes)`,
    effect: (_, values) => {
      const [owner, [details, spender, deadline]] = values as [Address, readonly [Details, Address, bigint]]
      return permit(owner, [details], spender, deadline)
    },
  },
  {
    signature: `permit(address,(${DETAILS}[],address,uint256),bytes)`,
    effect: (_, values) => {
      const [owner, [details, spender, deadline]] = values as [Address, readonly [readonly Details[], Address, bigint]]
      return permit(owner, details, spender, deadline)
    },
  },
  { signature: 'transferFrom(address,address,uint160,address)', effect: (_, values) => ({ actions: [transfer(values as Move)] }) },
  {
    signature: 'transferFrom((address,address,uint160,address)[])',
    effect: (_, values) => ({ actions: (values as readonly [readonly Move[]])[0].map(transfer) }),
  },
  {
    signature: 'permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)',
    effect: (_, values: readonly AbiValue[]) => {
      const [[[token]], [to, amount], from] = values as [readonly [readonly [Address, bigint], bigint, bigint], readonly [Address, bigint], Address]
      return { actions: [action('transfer', { token, from, to, amount })] }
    },
  },
]

function permit(owner: Address, all: readonly Details[], spender: Address, deadline: bigint): Effect {
  const effects = all.map(([token, amount, expiration]) => approval({ token, owner, spender, amount, expiration, deadline }, amount, 160))
  return { actions: effects.flatMap(({ actions }) => actions), warnings: effects.flatMap(({ warnings }) => warnings ?? []) }
}

function transfer([from, to, amount, token]: Move) {
  return action('transfer', { token, from, to, amount })
}
