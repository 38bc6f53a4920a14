/** Amounts of ether, as people write them. */
const DECIMALS = 18

/** Wei of an amount in ether, or `undefined` for what is none: no sign, no exponent, a point, 18 decimals at most. */
export function parseEther(text: string): bigint | undefined {
  const [, whole, rest = ''] = /^\s*([0-9]{1,12})(?:\.([0-9]{1,18}))?\s*$/.exec(text) ?? []
  return whole === undefined ? undefined : BigInt(whole) * 10n ** BigInt(DECIMALS) + BigInt(rest.padEnd(DECIMALS, '0'))
}

/** Every digit that counts, and no more. */
export function formatEther(wei: bigint): string {
  const whole = wei / 10n ** BigInt(DECIMALS)
  const rest = String(wei % 10n ** BigInt(DECIMALS)).padStart(DECIMALS, '0').replace(/0+$/, '')
  return rest === '' ? String(whole) : `${whole}.${rest}`
}

/** For a large figure: six decimals, rounded down, so that nobody seems to have more than they do. */
export function shortEther(wei: bigint): string {
  const [whole, rest = ''] = formatEther(wei).split('.')
  const kept = rest.slice(0, 6).replace(/0+$/, '')
  return kept === '' ? `${whole}` : `${whole}.${kept}`
}
