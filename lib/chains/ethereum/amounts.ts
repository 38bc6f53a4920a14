/** Amounts that are meant to have no end. */

/** Nobody has so much of anything; wallets and contracts write "unlimited" in more than one way, and whoever would hide it takes one off. */
const UNLIMITED = 1n << 128n
/** What tokens with 96 bits for an amount (UNI, COMP) take for no end. */
const MAX_UINT96 = (1n << 96n) - 1n

/** @param bits - of the amount's type: 160 for Permit2's allowances */
export function isUnlimited(amount: bigint, bits: 160 | 256): boolean {
  return amount >= UNLIMITED || (bits === 256 && amount === MAX_UINT96)
}
