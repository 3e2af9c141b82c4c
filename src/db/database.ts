// What every room above `db` may do with PostgreSQL. The only place where a connection is taken.

import type { Client, Pool, PoolClient, QueryArrayConfig, QueryConfig, QueryResult } from 'pg'
import type { PoolCounts } from './pool.ts'
import type { Statement, TextRows } from './rows.ts'
import type { Session } from './session.ts'

export interface BeforeCommitOptions {
  /** After all others: it has to see everything that the transaction has written, and writes nothing itself. */
  readonly final?: boolean
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
  /** Settings (`SET LOCAL`) for this transaction or savepoint, sent with its beginning: `{ 'app.tenant': 'acme' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Runs `work` again, up to nine times, when concurrent transactions made PostgreSQL roll it back. It must be safe to run again. */
  readonly retry?: boolean
}

export interface ReadOptions {
  /** True for statements whose time nobody bounded (search, reports): they go to the pool, so that no pipelined read waits behind them. */
  readonly slow?: boolean
}

export interface WriteOptions {
  /** Tables that the statement may change, quoted and schema-qualified; those who listen with `onWrite` are told. */
  readonly tables?: readonly string[]
}

/** @param tables  those that were written to; undefined when nobody knows which */
export type WriteListener = (tables: readonly string[] | undefined) => void

export interface DatabaseHealth {
  readonly ok: boolean
  readonly latencyMs?: number
  readonly error?: string
  readonly pool: PoolCounts
  readonly serverVersion?: string
  /** Where reads went that may be anywhere; absent without replicas. */
  readonly reads?: ReadsHealth
}

export interface ReadsHealth {
  /** Operations that might have gone to a replica and did not. */
  readonly primary: number
  readonly replicas: readonly ReplicaHealth[]
}

export interface ReplicaHealth {
  readonly address: string
  /** Whether reads are sent there. */
  readonly ok: boolean
  readonly problem?: string
  readonly lagMs: number
  readonly lagBytes: number
  /** Operations begun there so far. */
  readonly reads: number
}

/** Something to read from. */
export interface Reads {
  /**
   * Runs one read. Inside `transaction` it uses the transaction's connection, so it sees its own writes;
   * outside it is pipelined with other reads on one of a few connections.
   *
   * @throws AppError `DB_UNAVAILABLE` (503), `DB_TIMEOUT` (503), or what `pg-errors.ts` maps the SQLSTATE to
   */
  read(statement: Statement, options?: ReadOptions): Promise<TextRows>
  /** Runs several independent reads, pipelined on one connection in one write. Fails with the first error. */
  readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]>
}

export interface Database extends Reads {
  /**
   * Where the reads of one operation may go that need not see the latest: a replica which shows everything that this process and
   * the client of the current request have written, else the primary. To be asked for once per operation, so that its statements
   * do not see less from one to the next. `read` and `readAll` themselves always ask the primary.
   */
  anywhere(): Reads
  /**
   * What the client of the current request has to send with its next ones (`X-Read-After`) to read there what it has written here,
   * through whichever process; undefined when it wrote nothing, or there are no replicas.
   */
  readAfter(): Promise<string | undefined>
  /** Runs one statement that writes, on a pool connection (the transaction's, inside one), and returns its RETURNING rows undecoded. */
  write(statement: Statement, options?: WriteOptions): Promise<TextRows>
  /** Plain SQL for rooms that want values: rows as objects with `pg`'s types. Named statements are not used. */
  query<row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<row[]>
  /** One query as `pg` describes it, on the current transaction's connection or any other: what libraries such as Drizzle are given. */
  execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult>
  /**
   * Runs `work` in a transaction carried by AsyncLocalStorage; a nested call becomes a savepoint.
   * Callbacks given to `afterCommit` run once the outermost transaction has committed, and never after a rollback.
   */
  transaction<result>(work: () => Promise<result>, options?: TransactionOptions): Promise<result>
  /**
   * Runs `effect` after the current transaction has committed, in the tenant that is in force now; at once when there is none. A failing
   * effect is logged, not thrown.
   */
  afterCommit(effect: () => void | Promise<void>): void
  /** True inside `transaction`: reads see what it has written and nobody else sees. */
  isInTransaction(): boolean
  /**
   * Tells `listener` of every write through this object, once it is committed and before its caller hears of it. A function called
   * by a SELECT, and what is done on `client()`, go unseen.
   */
  onWrite(listener: WriteListener): void
  /**
   * Runs `effect` inside the transaction, right before its COMMIT; a failure rolls everything back. The same function is run once,
   * however often it was given, in the tenant of whoever gave it first; what it gives in its turn is run as well. What a savepoint gave
   * is dropped when that is rolled back.
   *
   * @throws AppError `DB_NO_TRANSACTION`
   */
  beforeCommit(effect: () => void | Promise<void>, options?: BeforeCommitOptions): void
  /**
   * A connection of its own as the user of the configuration, whom no tenant holds: for migrations. Its statements have no time limit.
   * End it.
   *
   * @throws whatever `pg` throws
   */
  connectAsOwner(): Promise<Client>
  /** A connection of its own to the primary, for what must not wait behind the application's statements. Close it before the database. */
  openSession(): Session
  /**
   * The `pg` client of the current transaction, or the pool. What is written on the pool itself goes unnoticed: afterwards reads by
   * `anywhere` and from caches may show what was there before, and no tenant is in force: tables of tenants show no row. Drizzle gets along
   * without it: `drizzleOn(db)` sends its queries with `execute`.
   *
   * @throws AppError `DB_CLIENT_OF_OTHER_TENANT` where the transaction has handed it out in another tenant
   */
  client(): Pool | PoolClient
  health(): Promise<DatabaseHealth>
  close(): Promise<void>
}
