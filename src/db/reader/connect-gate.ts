// How often a server that is down is knocked at. The first knock after a loss is immediate; while it fails, reads in between
// get the last answer at once instead of waiting for another.

const firstPauseMs = 50
const longestPauseMs = 1_000

export class ConnectGate {
  #failures = 0
  #closedUntil = 0
  #error: Error | undefined

  /** Why nobody gets through at the moment; undefined when somebody may try. */
  refusal(): Error | undefined {
    return performance.now() < this.#closedUntil ? this.#error : undefined
  }

  succeeded(): void {
    this.#failures = 0
    this.#closedUntil = 0
    this.#error = undefined
  }

  /** Half of each pause is chance, so that many processes do not knock together. */
  failed(error: Error): void {
    const pause = Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs)
    this.#failures += 1
    this.#error = error
    this.#closedUntil = performance.now() + pause * (0.5 + Math.random() / 2)
  }
}
