/** Ethereum and every EVM chain: which payloads there are, and who reads them. */
import { addr } from 'micro-eth-signer'
import { CloisterError } from '../../protocol/errors.ts'
import type { Payload } from '../../protocol/operations.ts'
import type { Chain, Reading } from '../chain.ts'
import { readFeePayerRequest } from '../kaia/fee-payer.ts'
import { readSenderRequest } from '../kaia/sender.ts'
import { isKaiaTransaction } from '../kaia/types.ts'
import { readAuthorization } from './authorization.ts'
import { chainIdOf, checkChainId } from './chain-id.ts'
import { readHash } from './hash.ts'
import { accountPath, acceptsPath, PATH_VARIANTS } from './paths.ts'
import { readPersonalMessage } from './personal.ts'
import { planOf } from './signature.ts'
import { summarize } from './summary.ts'
import { readTransaction } from './transaction.ts'
import { readTypedData } from './typed-data.ts'
import { readUserOperation } from './user-operation.ts'

export const ethereum: Chain = {
  namespace: 'eip155',
  curve: 'secp256k1',
  path: accountPath,
  variants: PATH_VARIANTS,
  derivesBelow: () => false,
  accepts: acceptsPath,
  address: ({ publicKey }) => addr.fromPublicKey(publicKey),
  read,
}

/** Those that read a context, or refuse it, themselves. */
const TAKE_CONTEXT: ReadonlySet<string> = new Set(['userOperation', 'message', 'typedData', 'hash'])

function read(payload: Pick<Payload, 'chain' | 'kind' | 'data' | 'context'>): Reading {
  const { chain, kind, data, context } = payload
  if (context !== null && !TAKE_CONTEXT.has(kind)) throw new CloisterError('parameters_malformed')
  switch (kind) {
    case 'transaction':
      return isKaiaTransaction(chain, data) ? readSenderRequest(chain, data) : readOrdinary(chain, data)
    case 'authorization':
      return readAuthorization(chain, data)
    case 'userOperation':
      return readUserOperation(chain, data, context)
    case 'feePayer':
      return readFeePayerRequest(chain, data)
    case 'message':
      return readPersonalMessage(payload)
    case 'typedData':
      return readTypedData(payload)
    case 'hash':
      return readHash(payload)
    default:
      kind satisfies never
      throw new CloisterError('payload_kind_unknown')
  }
}

function readOrdinary(chain: string, data: Uint8Array): Reading {
  const transaction = readTransaction(data)
  const { chainId } = transaction.fields
  if (chainId === undefined) chainIdOf(chain)
  else checkChainId(chain, chainId)
  return {
    plan({ account, permissions }) {
      // Valid on every chain: the request's is only what the app says.
      if (chainId === undefined && !permissions.withoutChainId) throw new CloisterError('tx_chain_id_missing')
      return planOf(account, transaction.digest, summarize(chain, transaction, account.address), transaction.sign)
    },
  }
}
