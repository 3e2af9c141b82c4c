// The client's own patience with one connection: a server that is frozen or unplugged answers no statement_timeout.

export class Deadline {
  readonly #limitMs: number
  readonly #waiting: () => boolean
  readonly #expired: () => void
  #timer: NodeJS.Timeout | undefined
  #lastByteAt = 0

  /**
   * @param limitMs  silence that is too long while something waits
   * @param waiting  whether anything waits for an answer
   * @param expired  called once
   */
  constructor(limitMs: number, waiting: () => boolean, expired: () => void) {
    this.#limitMs = limitMs
    this.#waiting = waiting
    this.#expired = expired
  }

  /** A byte has come. */
  touch(): void {
    this.#lastByteAt = performance.now()
  }

  /** Something begins to wait where nothing waited. */
  start(): void {
    this.touch()
    if (this.#timer === undefined) this.#arm(this.#limitMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  // One timer per connection that looks at the clock when it rings, not one per statement: at 20,000 reads a second
  // setting and clearing a timer each would cost as much as writing the statement.
  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#ring()
    }, delayMs).unref()
  }

  /** After an event loop that stood still, timers run before the bytes that have long been there: look once more behind them. */
  #ring(): void {
    if (this.#left() > 0) return this.#check()
    setImmediate(() => {
      if (this.#timer !== undefined) this.#check()
    })
  }

  #check(): void {
    this.#timer = undefined
    if (!this.#waiting()) return
    const left = this.#left()
    if (left > 0) this.#arm(Math.ceil(left))
    else this.#expired()
  }

  #left(): number {
    return this.#limitMs - (performance.now() - this.#lastByteAt)
  }
}
