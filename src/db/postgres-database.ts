// The one implementation of `Database`: sends each statement the right way and turns what comes back into our errors.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientConfig, Pool, PoolClient, QueryArrayConfig, QueryConfig, QueryResult } from 'pg'
import type { Logger } from '../core/log.ts'
import type { Effect } from './after-commit.ts'
import type { Database, DatabaseHealth, ReadOptions, Reads, TransactionOptions, WriteListener, WriteOptions } from './database.ts'
import type { EmbeddedDatabase } from './embedded/start.ts'
import { mayWrite } from './may-write.ts'
import { isConnectionError, isStalePlan, toAppError } from './pg-errors.ts'
import type { ConnectionPool } from './pool.ts'
import type { Reader } from './reader/reader.ts'
import type { Statement, TextRows } from './rows.ts'
import { Session } from './session.ts'
import { runText } from './text-query.ts'
import { type OnClient, Transactions } from './transaction.ts'
import type { Watchdog } from './watchdog.ts'

export interface DatabaseParts {
  /** What further connections are made with. */
  readonly connection: ClientConfig
  readonly pool: ConnectionPool
  readonly reader: Reader
  readonly watchdog: Watchdog
  readonly embedded: EmbeddedDatabase | undefined
  readonly log: Logger
}

const closeDeadlineMs = 3_000

export class PostgresDatabase implements Database {
  readonly #connection: ClientConfig
  readonly #pool: ConnectionPool
  readonly #reader: Reader
  readonly #watchdog: Watchdog
  readonly #embedded: EmbeddedDatabase | undefined
  readonly #transactions: Transactions
  readonly #writeListeners: WriteListener[] = []

  constructor({ connection, pool, reader, watchdog, embedded, log }: DatabaseParts) {
    this.#connection = connection
    this.#pool = pool
    this.#reader = reader
    this.#watchdog = watchdog
    this.#embedded = embedded
    this.#transactions = new Transactions(pool, log)
  }

  /** Opens the first connection. @throws AppError */
  async connect(): Promise<void> {
    this.#pool.release(await this.#pool.take())
  }

  anywhere(): Reads {
    return this
  }

  async readAfter(): Promise<undefined> {}

  read(statement: Statement, options?: ReadOptions): Promise<TextRows> {
    if (this.#transactions.isOpen() || options?.slow === true)
      return this.#run((client, begin) => runText(client, unnamed(statement), begin), isConnectionError)
    return this.#pipeline(() => this.#reader.read(statement))
  }

  readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    if (this.#transactions.isOpen() || options?.slow === true)
      return Promise.all(statements.map((statement) => this.read(statement, options)))
    return this.#pipeline(() => this.#reader.readAll(statements))
  }

  write(statement: Statement, { tables }: WriteOptions = {}): Promise<TextRows> {
    return this.#telling(tables, () => this.#run((client, begin) => runText(client, statement, begin)))
  }

  async query<row extends object>(text: string, values: readonly unknown[] = []): Promise<row[]> {
    const result = await this.execute({ text, values: [...values] })
    return result.rows
  }

  execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult> {
    const run = (): Promise<QueryResult> =>
      this.#run(async (client, begin) => {
        if (begin !== undefined) await client.query(begin.join('; '))
        return client.query(query)
      })
    return mayWrite(query.text) ? this.#telling(undefined, run) : run()
  }

  transaction<result>(work: () => Promise<result>, options: TransactionOptions = {}): Promise<result> {
    return this.#transactions.run(work, options)
  }

  afterCommit(effect: Effect): void {
    this.#transactions.afterCommit(effect)
  }

  isInTransaction(): boolean {
    return this.#transactions.isOpen()
  }

  onWrite(listener: WriteListener): void {
    this.#writeListeners.push(listener)
  }

  beforeCommit(effect: Effect): void {
    this.#transactions.beforeCommit(effect)
  }

  openSession(): Session {
    return new Session(this.#connection)
  }

  client(): Pool | PoolClient {
    return this.#transactions.client() ?? this.#pool.pg
  }

  /** Asks on a read connection, which is there also when the pool is busy. */
  async health(): Promise<DatabaseHealth> {
    const startedAt = performance.now()
    const pool = this.#pool.counts()
    try {
      await this.#pipeline(() => this.#reader.read({ text: 'select 1', values: [] }))
      return { ok: true, latencyMs: performance.now() - startedAt, pool, serverVersion: this.#pool.serverVersion }
    } catch (error) {
      return { ok: false, error: toAppError(error).message, pool }
    }
  }

  /** Waits for statements that are under way, but not for a server that does not answer. */
  async close(): Promise<void> {
    const closed = Promise.allSettled([this.#pool.close(), this.#reader.close()])
    await Promise.race([closed, sleep(closeDeadlineMs, undefined, { ref: false })])
    this.#watchdog.close()
    await this.#embedded?.stop()
  }

  /** In a transaction the commit is what counts, and it may come before a statement's answer has found its way to somebody who does not wait. */
  async #telling<result>(tables: readonly string[] | undefined, write: () => Promise<result>): Promise<result> {
    const tell = (): void => this.#writeListeners.forEach((listener) => listener(tables))
    if (this.#writeListeners.length === 0) return write()
    if (this.isInTransaction()) {
      this.afterCommit(tell)
      return write()
    }
    const result = await write()
    tell()
    return result
  }

  async #pipeline<result>(read: () => Promise<result>): Promise<result> {
    try {
      this.#watchdog.check()
      return await this.#watchdog.guard(read())
    } catch (error) {
      throw toAppError(error)
    }
  }

  /**
   * Outside a transaction a statement whose plan is stale runs once more on a new connection: the first time nothing was done.
   * `alsoWhen` names more failures after which it may, because it only reads: a connection that had died while it was idle.
   */
  async #run<result>(query: OnClient<result>, alsoWhen: (error: unknown) => boolean = () => false): Promise<result> {
    try {
      return await this.#transactions.onConnection(query)
    } catch (error) {
      if (this.#transactions.isOpen() || !(isStalePlan(error) || alsoWhen(error))) throw toAppError(error)
    }
    return this.#transactions.onConnection(query).catch((error: unknown) => {
      throw toAppError(error)
    })
  }
}

/**
 * Reads on pool connections are not prepared: callers choose their filters and searches, and unlike the reader `pg` never
 * forgets a prepared statement, so their number would be the callers' to choose.
 */
function unnamed({ text, values }: Statement): Statement {
  return { text, values }
}
