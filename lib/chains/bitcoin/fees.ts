/** Amounts, sizes, and which fee nobody means to pay. */
import { CloisterError } from '../../protocol/errors.ts'
import { impossible, type ScriptType } from './scripts.ts'
import { encodeSigned, encodeStripped, type Satisfaction, type UnsignedTransaction } from './transaction.ts'

/** 21 million bitcoin, in satoshis: consensus takes no amount, and no sum, above. */
const MAX_MONEY = 2_100_000_000_000_000n

/** No block has asked for as much, not at the halving of 2024 either. Satoshis per virtual byte. */
const MAX_FEE_RATE = 2_000n
/** Fees up to this pass whatever they are a part of: 0.001 bitcoin. */
const SMALL_FEE = 100_000n
/** Above that, no more than one part in four of all that is spent: of all, so that gathering many small outputs in one is measured the same. */
const FEE_PARTS = 4n

/** @throws CloisterError `tx_overflow` */
export function checkAmount(amount: bigint): void {
  if (amount < 0n || amount > MAX_MONEY) throw new CloisterError('tx_overflow')
}

/** @throws CloisterError `tx_overflow` */
export function sumOf(amounts: readonly bigint[]): bigint {
  const sum = amounts.reduce((total, amount) => total + amount, 0n)
  checkAmount(sum)
  return sum
}

/**
 * Refuses a fee that is negative, or absurd: above 2,000 satoshis per virtual byte, or above both 100,000 satoshis and a quarter of all that is spent.
 * @param fee satoshis @param spent sum of the inputs, satoshis @param virtualSize in virtual bytes
 * @throws CloisterError `tx_fee_invalid`
 */
export function checkFee(fee: bigint, spent: bigint, virtualSize: bigint): void {
  const isAbsurd = fee > MAX_FEE_RATE * virtualSize || (fee > SMALL_FEE && fee * FEE_PARTS > spent)
  if (fee < 0n || isAbsurd) throw new CloisterError('tx_fee_invalid')
}

/** Satoshis per virtual byte, with two decimals, rounded down. */
export function feeRate(fee: bigint, virtualSize: bigint): string {
  const hundredths = (fee * 100n) / virtualSize
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}

/** Virtual bytes (BIP-141): a quarter of the weight, rounded up. */
export function virtualSizeOf(tx: UnsignedTransaction, satisfactions: readonly Satisfaction[]): bigint {
  const stripped = encodeStripped(tx, satisfactions.map(({ scriptSig }) => scriptSig)).length
  const total = encodeSigned(tx, satisfactions).length
  return BigInt(Math.ceil((3 * stripped + total) / 4))
}

/** As long as what will satisfy an input of a type, at most. */
export function placeholder(type: ScriptType): Satisfaction {
  const none = new Uint8Array()
  const ecdsa = [new Uint8Array(72), new Uint8Array(33)]
  switch (type) {
    case 'p2pkh':
      return { scriptSig: new Uint8Array(107), witness: [] }
    case 'p2sh-p2wpkh':
      return { scriptSig: new Uint8Array(23), witness: ecdsa }
    case 'p2wpkh':
      return { scriptSig: none, witness: ecdsa }
    case 'p2tr':
      return { scriptSig: none, witness: [new Uint8Array(65)] }
    default:
      return impossible(type)
  }
}
