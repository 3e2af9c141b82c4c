// Whether some tables have changed, asked of PostgreSQL three times a second while somebody wants to know. What was read of them is believed
// as long as the last answer is fresh and says the same as before, so a change by anybody, also by hand, is known in every process within a second.
//
// Why that is enough: what was read under an answer was read after it was asked for. A change that commits later makes another version, which
// the next answer says; when no answer comes, nothing is believed any more 0.8 s after the last one was asked for.

import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import type { Database } from '../../db/database.ts'
import { readVersions, versionStatement } from '../../db/system/version-query.ts'

const askMs = 300
const goodMs = 800
const idleMs = 10_000

export class TableWatch {
  readonly #db: Database
  readonly #tables: readonly string[]
  readonly #outside = AsyncLocalStorage.snapshot()
  #started = false
  #answer: { readonly version: string; readonly askedAt: number } | undefined
  /** What the last answer and our own writes make together. */
  #version = ''
  /** Counts writes of our own, which the next question would hear of too late. */
  #writes = 0
  #usedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #asking = false
  #closed = false

  /** @param tables  tracked ones, as SQL names them: `"public"."users"` */
  constructor(db: Database, tables: readonly string[]) {
    this.#db = db
    this.#tables = tables
  }

  /** Writes of our own are heard of at once. Not before they matter: an application that is only described has no database. */
  #start(): void {
    this.#started = true
    this.#db.onWrite((written) => {
      if (written === undefined || written.some((table) => this.#tables.includes(table))) this.#note(this.#writes + 1)
    })
  }

  /** Of all the tables together; undefined when it is not known. Keeps the questions going. */
  version(): string | undefined {
    this.#usedAt = performance.now()
    if (!this.#started) this.#start()
    if (this.#timer === undefined && !this.#asking && !this.#closed) this.#outside(() => void this.#ask())
    const answer = this.#answer
    if (answer === undefined || this.#usedAt - answer.askedAt > goodMs) return undefined
    return this.#version
  }

  #note(writes: number): void {
    this.#writes = writes
    this.#version = `${this.#answer?.version} ${writes}`
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #ask(): Promise<void> {
    this.#asking = true
    const askedAt = performance.now()
    try {
      const found = readVersions(
        await this.#db.read({ name: `plinth_versions_${this.#tables.length}`, ...versionStatement({ tables: this.#tables }) }),
      )
      this.#answer = found.kind === 'known' ? { version: `${found.identity} ${found.version}`, askedAt } : undefined
      this.#note(this.#writes)
    } catch {
      // Nothing is believed without an answer, and whoever wants to know hears from the database why.
    }
    this.#asking = false
    if (this.#closed) return
    this.#timer = performance.now() - this.#usedAt > idleMs ? undefined : setTimeout(() => void this.#ask(), askMs).unref()
  }
}
