// The reads of one operation: all on one replica, and from the first failure on the primary, so that none sees less than one before it.

import type { ReadOptions, Reads } from '../database.ts'
import { toAppError } from '../pg-errors.ts'
import type { Statement, TextRows } from '../rows.ts'
import type { Position } from './position.ts'
import type { Replica } from './replica.ts'

/** What another server would not do better, or had no time left for. */
const final: ReadonlySet<string> = new Set(['DB_TIMEOUT', 'READER_TIMEOUT', 'READER_RESULT_TOO_LARGE'])

export class ReplicaReads implements Reads {
  readonly #primary: Reads
  readonly #demand: Position | undefined
  #replica: Replica | undefined

  constructor(replica: Replica, primary: Reads, demand: Position | undefined) {
    this.#replica = replica
    this.#primary = primary
    this.#demand = demand
  }

  async read(statement: Statement, options?: ReadOptions): Promise<TextRows> {
    const [rows] = await this.readAll([statement], options)
    if (rows === undefined) throw new Error('A statement has no result.')
    return rows
  }

  async readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    const results = await this.#onReplica(statements, options)
    if (results !== undefined) return results
    this.#replica = undefined
    return this.#primary.readAll(statements, options)
  }

  /** Undefined when the primary has to do it: also for a table that a migration has made and the replica has not seen yet. */
  async #onReplica(statements: readonly Statement[], options: ReadOptions | undefined): Promise<TextRows[] | undefined> {
    const replica = this.#replica
    if (replica === undefined) return undefined
    try {
      return await replica.readAll(statements, options, this.#demand)
    } catch (error) {
      const { code, status } = toAppError(error)
      if (status < 500 || final.has(code)) throw error
      if (code === 'DB_UNAVAILABLE' && replica.problem === undefined) replica.lose('was lost')
      return undefined
    }
  }
}
