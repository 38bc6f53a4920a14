/** Amounts that are meant to have no end. */

/** Half of what 256 bits hold: nobody has so much of anything, and wallets and contracts write "unlimited" in more than one way. */
const UNLIMITED = 1n << 255n
/** Permit2's amounts have 160 bits, and the largest one never runs out. */
const MAX_UINT160 = (1n << 160n) - 1n

export function isUnlimited(amount: bigint, bits: 160 | 256): boolean {
  return amount >= (bits === 160 ? MAX_UINT160 : UNLIMITED)
}
