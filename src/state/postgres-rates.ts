// Counts hits in PostgreSQL, by the clock of PostgreSQL; `plinth.rate_hits` has the algorithm. A process has one statement of it under way at a
// time: hits that come meanwhile go together in the next one. So counting takes one connection, and a commit counts as many as there are.

import type { Database } from '../db/database.ts'
import { type TextRows, textColumns } from '../db/rows.ts'
import { type Counted, countInOrder, type Hit, type RateStore } from './rate-counter.ts'

/** Rows are locked in the order of the keys, so that two processes never wait for each other. */
const statement = `SELECT hit.n, counted.allowed, counted.used, counted.reset_ms
  FROM json_to_recordset($1::text::json) AS hit (n integer, key text, hits integer, "limit" integer, "windowMs" bigint, carried integer, "carriedMs" bigint),
  LATERAL plinth.rate_hits(hit.key, hit.hits, hit."limit", hit."windowMs", hit.carried, hit."carriedMs") counted`
const tables = ['"plinth"."rate_counters"']
/** Keys of one statement: a few milliseconds. */
const mostKeys = 200
/** After a failure nothing is asked for so long. */
const pauseMs = 1_000
const largestInteger = 2 ** 31 - 1

interface Waiting {
  readonly hit: Hit
  /** Set when nobody waits any more. */
  isOver: boolean
  timer?: NodeJS.Timeout
  resolve(counted: Counted): void
  reject(reason: unknown): void
}

/** @param budgetMs  longest wait for an answer; then it rejects */
export function postgresRates(db: Database, budgetMs: number): RateStore {
  return new PostgresRates(db, budgetMs)
}

class PostgresRates implements RateStore {
  readonly #db: Database
  readonly #budgetMs: number
  #waiting: Waiting[] = []
  /** When the statement that is under way was sent. */
  #sentAt: number | undefined
  #pausedUntil = 0

  constructor(db: Database, budgetMs: number) {
    this.#db = db
    this.#budgetMs = budgetMs
  }

  /** A database that does not answer is waited for once, not by every request. */
  nameFor(): string | undefined {
    const now = performance.now()
    const isStuck = this.#sentAt !== undefined && now - this.#sentAt > this.#budgetMs
    return isStuck || now < this.#pausedUntil ? undefined : 'postgres'
  }

  count(hits: readonly Hit[]): Promise<readonly Counted[]> {
    return countInOrder(hits, (hit) => this.#count(hit))
  }

  #count(hit: Hit): Promise<Counted> {
    const { promise, resolve, reject } = Promise.withResolvers<Counted>()
    const waiting: Waiting = { hit, isOver: false, resolve, reject }
    const late = setTimeout(
      () => this.#fail(waiting, new Error(`PostgreSQL did not count a hit within ${this.#budgetMs} ms.`)),
      this.#budgetMs,
    )
    waiting.timer = late.unref()
    this.#waiting.push(waiting)
    if (this.#sentAt === undefined) void this.#run()
    return promise
  }

  /** Nothing is asked for a while, so that not every request waits for what does not come. */
  #fail(waiting: Waiting, error: unknown): void {
    this.#end(waiting)
    this.#pausedUntil = performance.now() + pauseMs
    waiting.reject(error)
  }

  #end(waiting: Waiting): void {
    waiting.isOver = true
    clearTimeout(waiting.timer)
  }

  async #run(): Promise<void> {
    for (let group = this.#next(); group.length > 0; group = this.#next()) {
      this.#sentAt = performance.now()
      try {
        this.#answer(group, await this.#ask(group.map(({ hit }) => hit)))
      } catch (error) {
        for (const waiting of group) this.#fail(waiting, error)
      }
    }
    this.#sentAt = undefined
  }

  #next(): Waiting[] {
    const wanted = this.#waiting.filter(({ isOver }) => !isOver)
    this.#waiting = wanted.slice(mostKeys)
    return wanted.slice(0, mostKeys).toSorted((a, b) => (nameOf(a.hit) < nameOf(b.hit) ? -1 : 1))
  }

  #ask(hits: readonly Hit[]): Promise<TextRows> {
    const values = [JSON.stringify(hits.map((hit, n) => ({ ...hit, n, key: nameOf(hit), limit: Math.min(hit.limit, largestInteger) })))]
    return this.#db.write({ name: 'plinth_rate_hits', text: statement, values }, { tables })
  }

  #answer(group: readonly Waiting[], rows: TextRows): void {
    for (let row = 0; row < rows.count; row += 1) {
      const [n, allowed, used, resetMs] = textColumns(rows, row).map(Number)
      const waiting = group[n ?? -1]
      if (waiting === undefined) continue
      this.#end(waiting)
      waiting.resolve({ allowed: allowed ?? 0, used: used ?? 0, resetMs: resetMs ?? 0 })
    }
  }
}

/** The same key with another window is another count. */
function nameOf({ key, windowMs }: Hit): string {
  return `${windowMs}:${key}`
}
