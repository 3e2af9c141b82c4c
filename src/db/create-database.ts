// The database of an application: one pool for writes and transactions, pipelined connections for reads.

import type { Pool, PoolClient, QueryArrayConfig, QueryConfig, QueryResult } from 'pg'
import type { DatabaseConfig, Environment } from '../core/config.ts'
import type { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Effect } from './after-commit.ts'
import { connectionConfig } from './connect.ts'
import type { Database, DatabaseHealth, ReadOptions, TransactionOptions } from './database.ts'
import { startEmbedded, type EmbeddedDatabase } from './embedded/start.ts'
import { isStalePlan, toAppError } from './pg-errors.ts'
import { ConnectionPool } from './pool.ts'
import type { Statement, TextRows } from './rows.ts'
import { runText } from './text-query.ts'
import { Transactions } from './transaction.ts'

export interface CreateDatabaseConfig extends DatabaseConfig {
  /** Folder of the application; the embedded database lies in `.plinth/postgres` of it. */
  readonly root: string
  readonly env: Environment
}

/**
 * Connects to `config.url`, or starts the embedded database when there is none.
 *
 * A server that cannot be reached is no error here: statements answer 503 until it is there.
 *
 * @throws AppError `DB_CANNOT_CONNECT`, `DB_SERVER_TOO_OLD`, or one of the embedded database's
 */
export async function createDatabase(config: CreateDatabaseConfig, log: Logger): Promise<Database> {
  const embedded = config.url === undefined ? await startEmbedded({ root: config.root, log }) : undefined
  const url = config.url ?? embedded?.url ?? ''
  const pool = new ConnectionPool(
    { connection: connectionConfig(url, config), size: config.poolSize, statementTimeoutMs: config.statementTimeoutMs },
    log,
  )
  return new PostgresDatabase(pool, embedded, log)
}

class PostgresDatabase implements Database {
  readonly #pool: ConnectionPool
  readonly #transactions: Transactions
  readonly #embedded: EmbeddedDatabase | undefined

  constructor(pool: ConnectionPool, embedded: EmbeddedDatabase | undefined, log: Logger) {
    this.#pool = pool
    this.#embedded = embedded
    this.#transactions = new Transactions(pool, log)
  }

  read(statement: Statement, _options?: ReadOptions): Promise<TextRows> {
    return this.#run((client) => runText(client, statement))
  }

  readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    return Promise.all(statements.map((statement) => this.read(statement, options)))
  }

  write(statement: Statement): Promise<TextRows> {
    return this.#run((client) => runText(client, statement))
  }

  async query<row extends object>(text: string, values: readonly unknown[] = []): Promise<row[]> {
    const result = await this.execute({ text, values: [...values] })
    return result.rows
  }

  execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult> {
    return this.#run((client) => client.query(query))
  }

  transaction<result>(work: () => Promise<result>, options: TransactionOptions = {}): Promise<result> {
    return this.#transactions.run(work, options)
  }

  afterCommit(effect: Effect): void {
    this.#transactions.afterCommit(effect)
  }

  client(): Pool | PoolClient {
    return this.#transactions.client() ?? this.#pool.pg
  }

  async health(): Promise<DatabaseHealth> {
    const startedAt = performance.now()
    try {
      await this.query('select 1')
      return { ok: true, latencyMs: performance.now() - startedAt, pool: this.#pool.counts(), serverVersion: this.#pool.serverVersion }
    } catch (error) {
      return { ok: false, error: toAppError(error).message, pool: this.#pool.counts() }
    }
  }

  async close(): Promise<void> {
    await this.#pool.close()
    await this.#embedded?.stop()
  }

  /** Outside a transaction a stale plan is met once more on a new connection: the first time nothing was done. */
  async #run<result>(query: (client: PoolClient) => Promise<result>): Promise<result> {
    try {
      return await this.#transactions.onConnection(query)
    } catch (error) {
      if (isStalePlan(error) && this.#transactions.client() === undefined) return this.#transactions.onConnection(query).catch(rethrow)
      return rethrow(error)
    }
  }
}

function rethrow(error: unknown): never {
  throw toAppError(error) satisfies AppError
}
