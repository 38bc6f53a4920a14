/**
 * viem: a local account, for `createWalletClient`.
 *
 * ```ts
 * const client = createWalletClient({ account: cloisterAccount(wallet.account('ethereum')), chain, transport: http() })
 * ```
 */
import { parseTransaction, serializeTransaction, type Hex, type LocalAccount, type SignableMessage, type TransactionSerializable, type TypedDataDefinition } from 'viem'
import { toAccount } from 'viem/accounts'
import type { EthereumAccount, TypedData } from '../ethereum.ts'
import type { PinOptions } from '../wallet.ts'

type Options = Omit<PinOptions, 'idempotencyKey'>

/** @param options for each signature: without a `pin` here, the one that `connect` was given is asked */
export function cloisterAccount(account: EthereumAccount, options: Options = {}): LocalAccount {
  return toAccount({
    address: account.address,
    async sign({ hash }) {
      return (await account.signHash(hash, options)).signature
    },
    async signMessage({ message }) {
      return (await account.signMessage(plain(message), options)).signature
    },
    async signTypedData(definition) {
      return (await account.signTypedData(definition as unknown as TypedDataDefinition as TypedData, options)).signature
    },
    async signAuthorization(request) {
      const { chainId, nonce } = request
      const address = request.address ?? request.contractAddress
      const { r, s, yParity } = await account.signAuthorization({ chainId, nonce, address }, options)
      return { address, chainId, nonce, r, s, yParity: Number(yParity) }
    },
    signTransaction: async (transaction, { serializer = serializeTransaction } = {}) =>
      signTransaction(account, transaction as TransactionSerializable, serializer as Serializer, options),
  })
}

/** A chain's own may take its time. */
type Serializer = (...args: Parameters<typeof serializeTransaction>) => Hex | Promise<Hex>

async function signTransaction(account: EthereumAccount, transaction: TransactionSerializable, serializer: Serializer, options: Options): Promise<Hex> {
  const hasBlobs = 'sidecars' in transaction && Array.isArray(transaction.sidecars)
  // Blobs are not signed: their hashes are.
  const serialized = await serializer(hasBlobs ? ({ ...transaction, sidecars: false } as unknown as TransactionSerializable) : transaction)
  const { rawTransaction } = await account.signTransaction({ chainId: transaction.chainId ?? 0, serialized }, options)
  if (!hasBlobs) return rawTransaction
  const { r, s, yParity } = parseTransaction(rawTransaction)
  return serializer(transaction, { r: r as Hex, s: s as Hex, yParity: Number(yParity) })
}

function plain(message: SignableMessage): string | Uint8Array {
  if (typeof message === 'string') return message
  const { raw } = message
  return typeof raw === 'string' ? Uint8Array.from(raw.slice(2).match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)) : raw
}
