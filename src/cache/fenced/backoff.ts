// When to try again what keeps failing: the cache would otherwise go on and off with every write of a process that cannot reach Redis.

const firstMs = 500
const longestMs = 30_000
/** What has been well for so long begins anew. */
const stableMs = 60_000

export class Backoff {
  #failures = 0
  #notBefore = -Infinity
  #wellSince: number | undefined

  isOver(): boolean {
    return performance.now() >= this.#notBefore
  }

  succeeded(): void {
    this.#wellSince = performance.now()
  }

  failed(): void {
    if (this.#wellSince !== undefined && performance.now() - this.#wellSince > stableMs) this.#failures = 0
    this.#wellSince = undefined
    const pauseMs = Math.min(firstMs * 2 ** this.#failures, longestMs)
    this.#failures += 1
    this.#notBefore = performance.now() + pauseMs * (1 + Math.random() / 5)
  }
}
