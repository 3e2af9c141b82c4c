// How much may be tried again. A dependency that fails for everybody must not get every request twice: retries are paid with
// tokens, which what succeeds brings in. (AWS SDKs and Finagle do the same.)

export interface RetryBudgetOptions {
  /** Tokens at the start, and at most: failures that come in a burst may be tried again. */
  readonly most: number
  /** Tokens that one success brings; as many retries per success are possible in the long run. */
  readonly perSuccess: number
}

export class RetryBudget {
  readonly #options: RetryBudgetOptions
  #tokens: number

  constructor(options: RetryBudgetOptions) {
    this.#options = options
    this.#tokens = options.most
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#options.most, this.#tokens + this.#options.perSuccess)
  }

  /** Pays for one retry; false when there is nothing left. */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
