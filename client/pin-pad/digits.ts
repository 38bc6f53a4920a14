/** The digits typed so far: bytes in one buffer that is wiped, never a string, which could not be. */
export interface Digits {
  readonly count: number
  /** One more, 0 to 9; past the maximum it is left out. Returns whether it was taken. */
  add(digit: number): boolean
  removeLast(): void
  /** The digits in ASCII, handed out this once: what is kept here is wiped. They are the caller's to wipe. */
  take(): Uint8Array<ArrayBuffer>
  wipe(): void
}

const ASCII_ZERO = 0x30

/** @param max digits at most; a PIN is 4 to 64 bytes */
export function createDigits(max: number): Digits {
  // A buffer of its own: V8 keeps small typed arrays on its heap, where the collector leaves copies behind.
  const bytes = new Uint8Array(new ArrayBuffer(max))
  let count = 0
  const wipe = (): void => {
    bytes.fill(0)
    count = 0
  }
  return {
    get count() {
      return count
    },
    add(digit) {
      if (count >= max || !Number.isInteger(digit) || digit < 0 || digit > 9) return false
      bytes[count++] = ASCII_ZERO + digit
      return true
    },
    removeLast() {
      if (count > 0) bytes[--count] = 0
    },
    take() {
      const taken = new Uint8Array(new ArrayBuffer(count))
      taken.set(bytes.subarray(0, count))
      wipe()
      return taken
    },
    wipe,
  }
}
