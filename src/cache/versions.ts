// Asks the primary what version the tables of a read are of. Readers that come while such a question is on its way share the next
// one: an answer that was under way before they came would say what was, not what is.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '../core/log.ts'
import type { Database } from '../db/database.ts'
import { pgProblemOf } from '../db/pg-errors.ts'
import type { TextRows } from '../db/rows.ts'
import { readVersions } from '../db/system/version-query.ts'
import type { CacheFaults } from './faults.ts'
import type { CachedRead } from './read.ts'

/** What was asked for, and when. */
export interface Version {
  readonly text: string
  /** Milliseconds of `performance.now()` right before the question was sent. */
  readonly askedAt: number
  /** The writes to the tables that were known then. */
  readonly stamp: number
}

type Answer = Promise<Version | undefined>

/** Questions for one thing that have no answer yet. */
interface Line {
  running: number
  /** The one that was sent last. */
  sent: Answer | undefined
  /** The one that will be sent when this turn of the event loop is over. */
  next: Answer | undefined
}

/** How long reads that cannot be asked about go past the cache before they are asked about again. */
const pauseMs = 1_000
/** Kinds of reads for which that is remembered. */
const mostPaused = 1_000

export class Versions {
  readonly #db: Database
  readonly #log: Logger
  readonly #faults: CacheFaults
  readonly #lines = new Map<string, Line>()
  /** Until when a kind of read is not asked about. */
  readonly #paused = new Map<string, number>()
  readonly #untracked = new Set<string>()

  constructor(db: Database, log: Logger, faults: CacheFaults = {}) {
    this.#db = db
    this.#log = log
    this.#faults = faults
  }

  /** Tables of cached reads without the triggers that keep their version, as far as it was noticed. */
  get untracked(): readonly string[] {
    return [...this.#untracked]
  }

  /**
   * The version at a moment after this call; undefined when the read cannot be cached.
   *
   * @throws AppError when the database cannot be asked
   */
  ask(read: CachedRead): Answer {
    const line = this.#lines.get(read.asked) ?? this.#openLine(read.asked)
    if (line.running === 0) return this.#send(read, line)
    if (this.#faults.joinAnyQuestion === true && line.sent !== undefined) return line.sent
    line.next ??= this.#sendLater(read, line)
    return line.next
  }

  /** What the answer to the question of `read` says; undefined when a table in it has no version. */
  textOf(read: CachedRead, rows: TextRows): string | undefined {
    const versions = readVersions(rows)
    if (versions.kind === 'known') {
      if (this.#untracked.size > 0) for (const name of read.tables.names) this.#untracked.delete(name)
      return `${versions.identity};${versions.version}`
    }
    for (const table of versions.tables) this.#noteUntracked(table)
    return undefined
  }

  #openLine(asked: string): Line {
    const line: Line = { running: 0, sent: undefined, next: undefined }
    this.#lines.set(asked, line)
    return line
  }

  /** Whoever comes until then is served by the same question: it is sent after all of them have come. */
  async #sendLater(read: CachedRead, line: Line): Answer {
    line.running += 1
    await nextTurn()
    line.running -= 1
    line.next = undefined
    return this.#send(read, line)
  }

  #send(read: CachedRead, line: Line): Answer {
    line.running += 1
    line.sent = this.#question(read).finally(() => {
      line.running -= 1
      if (line.running === 0) this.#lines.delete(read.asked)
    })
    return line.sent
  }

  async #question(read: CachedRead): Answer {
    const askedAt = performance.now()
    if ((this.#paused.get(read.kind) ?? 0) > askedAt) return undefined
    const stamp = read.tables.stamp()
    const text = await this.#answer(read)
    if (text === undefined) this.#pause(read.kind, askedAt)
    return text === undefined ? undefined : { text, askedAt, stamp }
  }

  /** A database without the schema `plinth` or a column of it, or a standby, cannot answer. Whether it can be read, the read itself will tell. */
  async #answer(read: CachedRead): Promise<string | undefined> {
    try {
      return this.textOf(read, await this.#db.read(read.question))
    } catch (error) {
      if (!/^(?:42|3F|55|0A)/.test(pgProblemOf(error)?.sqlstate ?? '')) throw error
      for (const table of read.tables.names) this.#noteUntracked(table, error)
      return undefined
    }
  }

  #pause(kind: string, now: number): void {
    if (this.#paused.size >= mostPaused) this.#paused.clear()
    this.#paused.set(kind, now + pauseMs)
  }

  /** Said once for each table. */
  #noteUntracked(table: string, err?: unknown): void {
    if (this.#untracked.has(table)) return
    this.#untracked.add(table)
    const facts = err === undefined ? { table } : { table, err }
    this.#log.warn(facts, 'reads of this table are not cached: its triggers are missing. Run plinth db migrate and plinth db upgrade')
  }
}
