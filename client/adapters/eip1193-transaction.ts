/** A dapp's transaction: read strictly, and what it leaves out asked of the chain. */
import type { AccessListItem, TransactionFields } from '../ethereum.ts'
import type { Hex } from '../hex.ts'
import { quantity, readQuantity, type SendRpc } from './eip1193-chains.ts'
import { rpcError } from './eip1193-errors.ts'

type Given = Readonly<Record<string, unknown>>

const KNOWN: ReadonlySet<string> = new Set([
  'from', 'to', 'value', 'data', 'input', 'gas', 'gasLimit', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'nonce', 'chainId', 'accessList', 'type',
])
const TYPES: ReadonlySet<unknown> = new Set(['0x0', '0x1', '0x2', '0x00', '0x01', '0x02'])

/** Where nothing says what a block's producer asks for: 1 gwei. */
const USUAL_PRIORITY_FEE = 1_000_000_000n

/** The fields of `eth_sendTransaction` and `eth_signTransaction`. @throws ProviderRpcError -32602: a field is unknown, contradicts another, or is no number */
export function readTransaction(given: unknown, chainId: number): Given {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw rpcError('invalidParams')
  const fields = Object.fromEntries(Object.entries(given as Given).filter(([, value]) => value !== undefined && value !== null))
  if (Object.keys(fields).some((name) => !KNOWN.has(name))) throw rpcError('invalidParams')
  // Meant for another chain than the one that the user is on.
  if (fields['chainId'] !== undefined && readQuantity(fields['chainId']) !== BigInt(chainId)) throw rpcError('invalidParams')
  if (fields['data'] !== undefined && fields['input'] !== undefined && fields['data'] !== fields['input']) throw rpcError('invalidParams')
  if (fields['gasPrice'] !== undefined && (fields['maxFeePerGas'] !== undefined || fields['maxPriorityFeePerGas'] !== undefined)) throw rpcError('invalidParams')
  if (fields['type'] !== undefined && !TYPES.has(fields['type'])) throw rpcError('invalidParams')
  for (const name of ['value', 'gas', 'gasLimit', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'nonce']) if (fields[name] !== undefined) readQuantity(fields[name])
  if (fields['to'] !== undefined && !isHex(fields['to'], 20)) throw rpcError('invalidParams')
  if (!isHex(fields['data'] ?? fields['input'] ?? '0x')) throw rpcError('invalidParams')
  return fields
}

/** Nonce, gas and fees from the chain, where the dapp gave none. */
export async function fillTransaction(fields: Given, from: Hex, chainId: number, rpc: SendRpc): Promise<TransactionFields> {
  const data = (fields['data'] ?? fields['input'] ?? '0x') as Hex
  const ask = async (method: string, ...params: unknown[]): Promise<bigint> => readQuantity(await rpc({ method, params }))
  const amount = (name: string): bigint | undefined => (fields[name] === undefined ? undefined : readQuantity(fields[name]))
  const call = { from, data, ...(fields['to'] === undefined ? {} : { to: fields['to'] }), ...(fields['value'] === undefined ? {} : { value: quantity(readQuantity(fields['value'])) }) }
  const accessList = fields['accessList'] as readonly AccessListItem[] | undefined
  const [nonce, gas, fees] = await Promise.all([
    amount('nonce') ?? ask('eth_getTransactionCount', from, 'pending'),
    amount('gas') ?? amount('gasLimit') ?? ask('eth_estimateGas', { ...call, ...(accessList === undefined ? {} : { accessList }) }),
    feesOf(fields, rpc, ask),
  ])
  return { chainId, nonce, gas, data, value: amount('value') ?? 0n, ...(fields['to'] === undefined ? {} : { to: fields['to'] as Hex }), ...(accessList === undefined ? {} : { accessList }), ...fees }
}

async function feesOf(fields: Given, rpc: SendRpc, ask: (method: string) => Promise<bigint>): Promise<Pick<TransactionFields, 'gasPrice' | 'maxFeePerGas' | 'maxPriorityFeePerGas'>> {
  const isOld = ['0x0', '0x00', '0x1', '0x01'].includes(fields['type'] as string)
  if (fields['gasPrice'] !== undefined) return { gasPrice: readQuantity(fields['gasPrice']) }
  if (isOld) return { gasPrice: await ask('eth_gasPrice') }
  const block = (await rpc({ method: 'eth_getBlockByNumber', params: ['latest', false] })) as { readonly baseFeePerGas?: unknown } | null
  const isLondon = block?.baseFeePerGas !== undefined && block.baseFeePerGas !== null
  if (!isLondon && fields['maxFeePerGas'] === undefined) return { gasPrice: await ask('eth_gasPrice') }
  const priority = fields['maxPriorityFeePerGas']
  const maxPriorityFeePerGas = priority === undefined ? await ask('eth_maxPriorityFeePerGas').catch(() => USUAL_PRIORITY_FEE) : readQuantity(priority)
  // Twice the base fee: good for six full blocks in a row (EIP-1559: an eighth more each).
  const maxFeePerGas = fields['maxFeePerGas'] === undefined ? 2n * readQuantity(block?.baseFeePerGas) + maxPriorityFeePerGas : readQuantity(fields['maxFeePerGas'])
  return { maxFeePerGas, maxPriorityFeePerGas: maxPriorityFeePerGas > maxFeePerGas ? maxFeePerGas : maxPriorityFeePerGas }
}

export function isHex(value: unknown, length?: number): value is Hex {
  return typeof value === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(value) && (length === undefined || value.length === 2 + 2 * length)
}
