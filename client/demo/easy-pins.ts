/** PINs that a thief tries first: one digit over and over, and runs up or down. */
export function isEasy(pin: Uint8Array): boolean {
  const steps = Array.from(pin.slice(1), (digit, index) => digit - (pin[index] as number))
  return steps.every((step) => step === steps[0]) && [-1, 0, 1].includes(steps[0] ?? 0)
}
