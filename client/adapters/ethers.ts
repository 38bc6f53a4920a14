/**
 * ethers v6: a signer.
 *
 * ```ts
 * const signer = new CloisterSigner(wallet.account('ethereum'), new JsonRpcProvider(url))
 * ```
 */
import {
  AbstractSigner, assertArgument, copyRequest, getAddress, resolveAddress, Signature, Transaction, TypedDataEncoder,
  type Authorization, type AuthorizationRequest, type Provider, type TransactionRequest, type TypedDataDomain, type TypedDataField,
} from 'ethers'
import type { EthereumAccount, Hex, TypedData } from '../ethereum.ts'
import type { PinOptions } from '../wallet.ts'

type Options = Omit<PinOptions, 'idempotencyKey'>

/** A class because ethers wants one. Errors are Cloister's own. */
export class CloisterSigner extends AbstractSigner {
  readonly account: EthereumAccount
  readonly #options: Options

  /** @param options for each signature: without a `pin` here, the one that `connect` was given is asked */
  constructor(account: EthereumAccount, provider: Provider | null = null, options: Options = {}) {
    super(provider)
    this.account = account
    this.#options = options
  }

  override async getAddress(): Promise<string> {
    return this.account.address
  }

  override connect(provider: Provider | null): CloisterSigner {
    return new CloisterSigner(this.account, provider, this.#options)
  }

  override async signTransaction(request: TransactionRequest): Promise<string> {
    // Which may be a Transaction, whose fields are getters.
    const { from, to, ...rest } = copyRequest(request)
    if (from !== undefined && from !== null) {
      assertArgument(getAddress(await resolveAddress(from, this.provider)) === this.account.address, 'transaction from address mismatch', 'tx.from', from)
    }
    const recipient = to === undefined || to === null ? {} : { to: await resolveAddress(to, this.provider) }
    const transaction = Transaction.from({ ...rest, ...recipient })
    const { rawTransaction } = await this.account.signTransaction(
      { chainId: transaction.chainId, serialized: transaction.unsignedSerialized as Hex },
      this.#options,
    )
    // So that blobs, which are not signed, go with it.
    transaction.signature = Transaction.from(rawTransaction).signature
    return transaction.serialized
  }

  override async signMessage(message: string | Uint8Array): Promise<string> {
    return (await this.account.signMessage(message, this.#options)).signature
  }

  override async signTypedData(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, value: Record<string, unknown>): Promise<string> {
    const resolved = await TypedDataEncoder.resolveNames(domain, types, value, async (name) => resolveAddress(name, this.provider))
    const data = TypedDataEncoder.getPayload(resolved.domain, types, resolved.value) as TypedData
    return (await this.account.signTypedData(data, this.#options)).signature
  }

  override async authorize(request: AuthorizationRequest): Promise<Authorization> {
    const { address, chainId, nonce } = await this.populateAuthorization(request)
    const signed = await this.account.signAuthorization(
      { address: (await resolveAddress(address, this.provider)) as Hex, chainId: BigInt(chainId ?? 0), nonce: BigInt(nonce ?? 0) },
      this.#options,
    )
    const { r, s, yParity } = signed
    return {
      address: signed.address, chainId: BigInt(signed.chainId), nonce: BigInt(signed.nonce),
      signature: Signature.from({ r, s, yParity: Number(yParity) === 0 ? 0 : 1 }),
    }
  }
}

