// What counts how often something was done lately, for limits: in Redis, in PostgreSQL when Redis is away, in the process when both are.

/** What became of a hit. */
export interface RateResult {
  /** False when there were `limit` hits in the window already; a hit that is refused is not counted. */
  readonly allowed: boolean
  /** Hits that are left in the window. */
  readonly remaining: number
  /** Milliseconds until a hit is forgotten: the earliest moment at which one that was refused is allowed. */
  readonly resetMs: number
}

export interface RateCounter {
  /**
   * Counts a hit, unless there were `limit` in the last `windowMs` already. Processes that share Redis or the database share the count
   * exactly. Never rejects, and does not take part in a transaction. When Redis goes away or comes back, the count goes on from what each
   * process has heard last: hits of other processes since then may be allowed once more.
   *
   * Hits of a key that come while others of it are being counted are counted together after those, in one go.
   *
   * A hit is forgotten `windowMs` after it at the earliest, and at most a thirty-second part of that later.
   *
   * @param key       of what is counted: `login:ann@example.com`. The same key with another window is another count
   * @param limit     hits, at least 0
   * @param windowMs  milliseconds, at least 1
   * @example         `const { allowed, resetMs } = await app.state.rates.hit(`login:${email}`, 10, 15 * 60_000)`
   */
  hit(key: string, limit: number, windowMs: number): Promise<RateResult>
}

/** Hits of one key to be counted, as many of them as the limit allows. */
export interface Hit {
  readonly key: string
  readonly limit: number
  readonly windowMs: number
  /** How many, at least 1. */
  readonly hits: number
  /** Hits that were counted elsewhere before, `carriedMs` ago: where this is counted there are at least so many. 0: none. */
  readonly carried: number
  readonly carriedMs: number
}

/** The answer of a store. */
export interface Counted {
  /** How many of the hits. */
  readonly allowed: number
  /** Hits in the window, these included that were allowed. */
  readonly used: number
  readonly resetMs: number
}

/** One place where hits are counted. */
export interface RateStore {
  /** Which count it is: one that was lost is another. Undefined when it cannot be asked now. */
  nameFor(hit: Hit): string | undefined
  /** May reject, whether the hit was counted or not. */
  count(hit: Hit): Promise<Counted>
}
