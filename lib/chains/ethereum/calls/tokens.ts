/**
 * Tokens: ERC-20, ERC-721, ERC-1155, EIP-2612 and DAI's permit, WETH. `transferFrom` and `approve` are the same call for ERC-20 and ERC-721: only the
 * contract knows whether the number is an amount or one token's id, so the summary says both.
 */
import { Malformed } from '../../../protocol/fields.ts'
import type { Action } from '../../chain.ts'
import { isUnlimited } from '../amounts.ts'
import type { AbiValue } from './abi.ts'
import { action, type Call, type Effect, type Rule } from './call.ts'

type Address = string

/** An approval, with its warning when it has no end. */
export function approval(fields: Parameters<typeof action>[1], amount: bigint, bits: 160 | 256 = 256): Effect {
  return { actions: [action('approve', fields)], warnings: isUnlimited(amount, bits) ? ['unlimited_approval'] : [] }
}

const only = (name: string, fields: Parameters<typeof action>[1]): Effect => ({ actions: [action(name, fields)] })

const erc20: readonly Rule[] = [
  {
    signature: 'transfer(address,uint256)',
    effect: ({ to: token, from }, values) => {
      const [to, amount] = values as [Address, bigint]
      return only('transfer', { token, from, to, amount })
    },
  },
  {
    signature: 'transferFrom(address,address,uint256)',
    effect: ({ to: token }, values) => {
      const [from, to, amountOrTokenId] = values as [Address, Address, bigint]
      return only('transferFrom', { token, from, to, amountOrTokenId })
    },
  },
  {
    signature: 'approve(address,uint256)',
    effect: ({ to: token, from: owner }, values) => {
      const [spender, amountOrTokenId] = values as [Address, bigint]
      return approval({ token, owner, spender, amountOrTokenId }, amountOrTokenId)
    },
  },
  {
    signature: 'increaseAllowance(address,uint256)',
    effect: ({ to: token, from: owner }, values) => {
      const [spender, increase] = values as [Address, bigint]
      return approval({ token, owner, spender, increase }, increase)
    },
  },
  {
    signature: 'decreaseAllowance(address,uint256)',
    effect: ({ to: token, from: owner }, values) => {
      const [spender, decrease] = values as [Address, bigint]
      return only('approve', { token, owner, spender, decrease })
    },
  },
  {
    signature: 'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)', // EIP-2612
    effect: ({ to: token }, values) => permit(token, values),
  },
  {
    signature: 'permit(address,address,uint256,uint256,bytes)', // the same, for signatures of contracts
    effect: ({ to: token }, values) => permit(token, values),
  },
  {
    signature: 'permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)', // DAI
    effect: ({ to: token }, values) => {
      const [owner, spender, , deadline, isAllowed] = values as [Address, Address, bigint, bigint, boolean]
      const warnings = isAllowed ? ['unlimited_approval'] : []
      return { actions: [action('approve', { token, owner, spender, amount: isAllowed ? 'unlimited' : '0', deadline })], warnings }
    },
  },
]

function permit(token: Address, values: readonly AbiValue[]): Effect {
  const [owner, spender, amount, deadline] = values as [Address, Address, bigint, bigint]
  return approval({ token, owner, spender, amount, deadline }, amount)
}

const nfts: readonly Rule[] = [
  {
    signature: 'safeTransferFrom(address,address,uint256)', // ERC-721
    effect: ({ to: token }, values) => {
      const [from, to, tokenId] = values as [Address, Address, bigint]
      return only('transfer', { token, from, to, tokenId })
    },
  },
  {
    signature: 'safeTransferFrom(address,address,uint256,bytes)', // ERC-721
    effect: ({ to: token }, values) => {
      const [from, to, tokenId, data] = values as [Address, Address, bigint, Uint8Array]
      return only('transfer', { token, from, to, tokenId, dataBytes: BigInt(data.length) })
    },
  },
  {
    signature: 'setApprovalForAll(address,bool)', // ERC-721 and ERC-1155
    effect: ({ to: token, from: owner }, values) => {
      const [operator, isApproved] = values as [Address, boolean]
      const warnings = isApproved ? ['approval_for_all'] : []
      return { actions: [action('setApprovalForAll', { token, owner, operator, approved: String(isApproved) })], warnings }
    },
  },
  {
    signature: 'safeTransferFrom(address,address,uint256,uint256,bytes)', // ERC-1155
    effect: ({ to: token }, values) => {
      const [from, to, tokenId, amount, data] = values as [Address, Address, bigint, bigint, Uint8Array]
      return only('transfer', { token, from, to, tokenId, amount, dataBytes: BigInt(data.length) })
    },
  },
  {
    signature: 'safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)', // ERC-1155
    effect: ({ to: token }, values) => {
      const [from, to, ids, amounts] = values as [Address, Address, readonly bigint[], readonly bigint[]]
      if (ids.length !== amounts.length) throw new Malformed()
      const actions = ids.map((tokenId, index): Action => action('transfer', { token, from, to, tokenId, amount: amounts[index] as bigint }))
      return { actions }
    },
  },
]

const weth: readonly Rule[] = [
  { signature: 'deposit()', effect: ({ to: contract, from, value }: Call) => only('wrap', { contract, from, amount: value }) },
  {
    signature: 'withdraw(uint256)',
    effect: ({ to: contract, from }, values) => only('withdraw', { contract, from, amount: values[0] as bigint }),
  },
]

export const TOKEN_RULES: readonly Rule[] = [...erc20, ...nfts, ...weth]
