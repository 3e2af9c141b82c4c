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

/** So many hits in any stretch of so many milliseconds. */
export interface RateWindow {
  readonly limit: number
  readonly windowMs: number
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
  /**
   * The same for several windows of one key, in one go: in their order, until one refuses. It is not counted in those behind that one.
   *
   * @returns  one for each window; undefined for those that were not asked
   */
  hitAll(key: string, windows: readonly RateWindow[]): Promise<readonly (RateResult | undefined)[]>
  /**
   * What a hit would be told now, without counting one. Others may come between this and a hit.
   *
   * @returns  one for each window; undefined for those that were not asked, because another is known to refuse
   */
  peekAll(key: string, windows: readonly RateWindow[]): Promise<readonly (RateResult | undefined)[]>
}

/** Hits of one key to be counted, as many of them as the limit allows. */
export interface Hit {
  readonly key: string
  readonly limit: number
  readonly windowMs: number
  /** How many; 0 to look only. */
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
  /**
   * Counts hits of one key in several windows, in their order: in each as many as were allowed before, until none is left. No hits from
   * the beginning: looks at all windows. May reject, whether they were counted or not.
   *
   * @returns  one for each window that was asked
   */
  count(hits: readonly Hit[]): Promise<readonly Counted[]>
}

/** For stores that count in one window at a time. */
export async function countInOrder(hits: readonly Hit[], count: (hit: Hit) => Counted | Promise<Counted>): Promise<readonly Counted[]> {
  if (hits.every((hit) => hit.hits === 0)) return Promise.all(hits.map(async (hit) => count(hit)))
  const counted: Counted[] = []
  for (const hit of hits) {
    const left = counted.at(-1)?.allowed ?? hit.hits
    if (left === 0) break
    counted.push(await count({ ...hit, hits: left }))
  }
  return counted
}
