// How late the event loop is, and how many requests it may therefore have at once. A loop that turns once in 100 ms lets everybody
// wait 100 ms, also those whom it only refuses: with fewer requests between two turns it turns faster.

const tickMs = 50
/** Share of a new measurement: a single long turn (a collection of garbage, a large body) changes little, */
const share = 0.3
/** also when it is very long: no measurement counts for more than so many limits. */
const mostLimits = 2
/** Fewer are never allowed: the delay then has other reasons than the number of requests. */
const least = 8

export class LoopDelay {
  /** Requests that may be worked on at once. */
  most: number
  /** Mean lateness of a timer, in milliseconds. */
  meanMs = 0
  readonly #highest: number
  readonly #limitMs: number
  readonly #working: () => number
  #timer: NodeJS.Timeout | undefined
  #due = 0

  /**
   * @param highest  requests at once while the loop is in time
   * @param limitMs  mean delay over which it is not
   * @param working  requests that are being worked on
   */
  constructor(highest: number, limitMs: number, working: () => number) {
    this.most = highest
    this.#highest = highest
    this.#limitMs = limitMs
    this.#working = working
  }

  /** To be called when a request comes. The clock runs as long as there are any, and until all would be let in again. */
  watch(): void {
    if (this.#timer !== undefined) return
    this.#due = performance.now() + tickMs
    this.#timer = setTimeout(() => this.#tick(), tickMs).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    this.#timer = undefined
    const late = Math.min(Math.max(0, performance.now() - this.#due), this.#limitMs * mostLimits)
    this.meanMs += (late - this.meanMs) * share
    this.#adapt()
    if (this.#working() > 0 || this.meanMs > 1 || this.most < this.#highest) this.watch()
  }

  /** Down by a tenth of what there is, up by a twentieth and one: as a TCP sender feels for what the way can carry. */
  #adapt(): void {
    if (this.meanMs > this.#limitMs) this.most = Math.max(Math.min(this.most, this.#working()) * 0.9, Math.min(least, this.#highest))
    else this.most = Math.min(this.most * 1.05 + 1, this.#highest)
  }
}
