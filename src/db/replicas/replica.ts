// One standby: what is known of it, and reads on it. It is used as long as it answers a question every half second.

import { Line, LineMember, standIn } from '../../support/line.ts'
import type { Database, ReadOptions } from '../database.ts'
import { dbErrors } from '../errors.ts'
import { pgProblemOf } from '../pg-errors.ts'
import { textColumns, type Statement, type TextRows } from '../rows.ts'
import { isReached, parseLsn, type Position } from './position.ts'

/** Longest time that an answer to the question may take; reads that wait for this replica then go elsewhere. */
const patienceMs = 500
/** After a read that came too early the next one is sent after this, then twice as long, up to the time between two questions. */
const firstPauseMs = 2
const longestPauseMs = 500

/**
 * Who it is and how far. The timeline is the highest of three that each may be behind: the control file's are those of the last
 * restart point and of the last page written, and not everybody may see the receiver's.
 */
const question: Statement = {
  name: 'plinth_replica_state',
  text: `select pg_is_in_recovery(), pg_last_wal_replay_lsn()::text, (select system_identifier::text from pg_control_system()),
    greatest((select timeline_id from pg_control_checkpoint()), (select min_recovery_end_timeline from pg_control_recovery()),
      (select received_tli from pg_stat_wal_receiver))`,
  values: [],
}

/** Sent ahead of a read on its connection: what the read sees is at least this. */
const reachedQuestion: Statement = {
  name: 'plinth_replica_reached',
  text: 'select pg_last_wal_replay_lsn()::text where pg_is_in_recovery()',
  values: [],
}

/** What reads are told that wait for a replica which has fallen silent. Nobody but this folder sees it. */
const lost = dbErrors.UNAVAILABLE()

/** A read that waits for this replica. */
class Waiting extends LineMember {
  readonly reject: (error: unknown) => void

  constructor(reject: (error: unknown) => void) {
    super()
    this.reject = reject
  }
}

export class Replica {
  /** Host, port and name of the database. */
  readonly address: string
  /** Operations that were begun here. */
  reads = 0
  /** Why it is not used; undefined when it may be. */
  problem: string | undefined = 'has not answered yet'
  readonly #db: Database
  readonly #waiting = new Line<Waiting>()
  #reached: Position = { timeline: 0, byte: 0n }
  #pauseMs = 0
  #pauseUntil = 0

  /** @param db  the standby as a database of its own, of which only reads are used */
  constructor(address: string, db: Database) {
    this.address = address
    this.#db = db
  }

  get reached(): Position {
    return this.#reached
  }

  get load(): number {
    return this.#waiting.size
  }

  /** Whether a read with this demand is worth sending here: it has been there already, or may have got there since. */
  mayServe(demand: Position | undefined, now: number): boolean {
    if (this.problem !== undefined) return false
    return demand === undefined || isReached(demand, this.#reached) || (now >= this.#pauseUntil && this.#isOn(demand))
  }

  /**
   * Runs statements here; undefined when it turns out not to have reached what is demanded.
   *
   * @throws AppError as `Database.read`
   */
  async readAll(
    statements: readonly Statement[],
    options: ReadOptions | undefined,
    demand: Position | undefined,
  ): Promise<TextRows[] | undefined> {
    if (demand === undefined) return this.#unlessLost(this.#db.readAll(statements, options))
    const [reached, ...results] = await this.#unlessLost(this.#onOneConnection([reachedQuestion, ...statements], options))
    const inOrder = reached?.retried !== true && results.every(({ retried }) => retried !== true)
    return reached !== undefined && inOrder && this.#hasReached(demand, reached) ? results : undefined
  }

  /**
   * Asks how it is.
   *
   * @param identity  system identifier of the primary; undefined as long as nobody knows
   */
  async look(identity: string | undefined): Promise<void> {
    const late = setTimeout(() => this.lose('does not answer'), patienceMs).unref()
    try {
      const [rows] = await this.#unlessLost(this.#db.readAll([question]))
      if (rows !== undefined) this.#judge(textColumns(rows, 0), identity)
    } catch (error) {
      if (error !== lost) this.lose(pgProblemOf(error)?.message ?? 'cannot be reached')
    } finally {
      clearTimeout(late)
    }
  }

  /** Takes it out of use until it answers again; what waits for it fails. */
  lose(problem: string): void {
    this.problem = problem
    for (const waiting of this.#waiting) waiting.reject(lost)
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #judge([inRecovery, lsn, system, timeline]: readonly (string | null)[], identity: string | undefined): void {
    const isStandby = inRecovery === 't' && typeof lsn === 'string'
    if (!isStandby) return this.lose('is not a standby')
    if (identity === undefined) return this.lose('cannot be compared with the primary yet')
    if (identity !== system) return this.lose('is not a standby of this primary')
    this.#reached = { timeline: Number(timeline), byte: parseLsn(lsn) }
    this.problem = undefined
  }

  /** A timeline is learned from answers alone: no pause brings it nearer. */
  #isOn(demand: Position): boolean {
    return this.#reached.timeline >= demand.timeline
  }

  #hasReached(demand: Position, rows: TextRows): boolean {
    const lsn = rows.count === 0 ? undefined : textColumns(rows, 0)[0]
    if (typeof lsn === 'string') this.#reached = { timeline: this.#reached.timeline, byte: parseLsn(lsn) }
    const reached = typeof lsn === 'string' && isReached(demand, this.#reached)
    this.#pauseMs = reached ? 0 : Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), longestPauseMs)
    this.#pauseUntil = performance.now() + this.#pauseMs
    return reached
  }

  /** One after the other in the order given, for slow statements in a transaction, because only that stays on a connection. */
  #onOneConnection(statements: readonly Statement[], options: ReadOptions | undefined): Promise<TextRows[]> {
    if (options?.slow !== true) return this.#db.readAll(statements)
    return this.#db.transaction(
      async () => {
        const results: TextRows[] = []
        for (const statement of statements) results.push(await this.#db.read(statement))
        return results
      },
      { readOnly: true },
    )
  }

  #unlessLost(answer: Promise<TextRows[]>): Promise<TextRows[]> {
    return standIn(this.#waiting, answer, (reject) => new Waiting(reject))
  }
}
