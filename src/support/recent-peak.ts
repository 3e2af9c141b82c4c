// The greatest of what was seen lately, for people who look at a health page: an average hides what they look for.

/** Remembers two spans of time, the current one and the one before. */
export class RecentPeak {
  readonly #spanMs: number
  #since = 0
  #current = 0
  #before = 0

  /** @param spanMs  what was seen is remembered for this long to twice as long */
  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** @param now  milliseconds of `performance.now()` */
  saw(value: number, now: number): void {
    this.#turn(now)
    if (value > this.#current) this.#current = value
  }

  value(now: number): number {
    this.#turn(now)
    return Math.max(this.#current, this.#before)
  }

  #turn(now: number): void {
    const passed = now - this.#since
    if (passed < this.#spanMs) return
    this.#before = passed < 2 * this.#spanMs ? this.#current : 0
    this.#current = 0
    this.#since = now
  }
}
