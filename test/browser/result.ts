/** What the page tells the program that started its browser. */
export interface PageResult {
  /** `FAIL …` and `SKIP …`, as `npm run vectors` prints them. */
  readonly lines: readonly string[]
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly userAgent: string
}
