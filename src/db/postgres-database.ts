// The one implementation of `Database`: sends each statement the right way and turns what comes back into our errors.

import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientConfig, type Pool, type PoolClient, type QueryArrayConfig, type QueryConfig, type QueryResult } from 'pg'
import type { Logger } from '../core/log.ts'
import { inTenantOfNow, tenantInForce } from '../core/tenant.ts'
import { RetryBudget } from '../support/retry-budget.ts'
import type { Effect } from './after-commit.ts'
import { tenantCommand, tenantStatement } from './app-role.ts'
import type {
  BeforeCommitOptions,
  Database,
  DatabaseHealth,
  ReadOptions,
  Reads,
  TransactionOptions,
  WriteListener,
  WriteOptions,
} from './database.ts'
import type { EmbeddedDatabase } from './embedded/start.ts'
import { runHeld } from './held-query.ts'
import { leavesTraces } from './leaves-traces.ts'
import { mayWrite } from './may-write.ts'
import { isConnectionError, isStalePlan, pgProblemOf, toAppError, tooManyConnections } from './pg-errors.ts'
import { type ConnectionPool, type PoolCounts, scarceMs } from './pool.ts'
import type { Reader } from './reader/reader.ts'
import type { Statement, TextRows } from './rows.ts'
import { Session } from './session.ts'
import { runText } from './text-query.ts'
import { type Begin, type OnClient, textOf, Transactions } from './transaction.ts'
import type { Watchdog } from './watchdog.ts'

export interface DatabaseParts {
  /** What further connections are made with. */
  readonly connection: ClientConfig
  /** The same for those that no tenant holds. */
  readonly ownerConnection: ClientConfig
  /** Whether each statement is told the tenant in force. */
  readonly hasTenants: boolean
  readonly pool: ConnectionPool
  readonly reader: Reader
  readonly watchdog: Watchdog
  readonly embedded: EmbeddedDatabase | undefined
  readonly log: Logger
}

const closeDeadlineMs = 3_000
const renewMs = 1_000
/** SQLSTATE of a change that the server does not take. */
const readOnly = '25006'

export class PostgresDatabase implements Database {
  readonly #connection: ClientConfig
  readonly #ownerConnection: ClientConfig
  readonly #hasTenants: boolean
  readonly #pool: ConnectionPool
  readonly #reader: Reader
  readonly #watchdog: Watchdog
  readonly #embedded: EmbeddedDatabase | undefined
  readonly #transactions: Transactions
  readonly #writeListeners: WriteListener[] = []
  /** One statement in ten may be sent twice, and a hundred in a burst: all connections of a pool can be lost at once. */
  readonly #retries = new RetryBudget({ most: 100, perSuccess: 0.1 })
  #renewedAt = -Infinity
  /** Reads leave the few connections that there are to the pool, and go there. */
  #poolOnlyUntil = -Infinity

  constructor({ connection, ownerConnection, hasTenants, pool, reader, watchdog, embedded, log }: DatabaseParts) {
    this.#connection = connection
    this.#ownerConnection = ownerConnection
    this.#hasTenants = hasTenants
    this.#pool = pool
    this.#reader = reader
    this.#watchdog = watchdog
    this.#embedded = embedded
    this.#transactions = new Transactions(pool, log)
    pool.makeRoom = () => this.#makeRoom()
  }

  /** Opens the first connection. @throws AppError */
  async connect(): Promise<void> {
    this.#pool.release(await this.#pool.take())
  }

  poolCounts(): PoolCounts {
    return this.#pool.counts()
  }

  anywhere(): Reads {
    return this
  }

  async readAfter(): Promise<undefined> {}

  read(statement: Statement, options?: ReadOptions): Promise<TextRows> {
    const tenant = this.#tenant()
    if (this.#isForPool(options)) return this.#readOnPool(statement, tenant)
    return this.#pipeline(() => this.#reader.read(statement, { tenant })).catch((error: unknown) =>
      this.#unlessScarce(error, () => this.#readOnPool(statement, tenant)),
    )
  }

  readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    const tenant = this.#tenant()
    const onPool = (): Promise<TextRows[]> => Promise.all(statements.map((statement) => this.#readOnPool(statement, tenant)))
    if (this.#isForPool(options)) return onPool()
    return this.#pipeline(() => this.#reader.readAll(statements, tenant)).catch((error: unknown) => this.#unlessScarce(error, onPool))
  }

  write(statement: Statement, { tables }: WriteOptions = {}): Promise<TextRows> {
    const tenant = this.#tenant()
    return this.#telling(tables, () => this.#run((client, begin) => runText(client, statement, ahead(begin, tenant)), tenant))
  }

  async query<row extends object>(text: string, values: readonly unknown[] = []): Promise<row[]> {
    const result = await this.execute({ text, values: [...values] })
    return result.rows
  }

  execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult> {
    const tenant = this.#tenant()
    const isInTransaction = this.isInTransaction()
    const run = (): Promise<QueryResult> =>
      this.#run(async (client, begin) => {
        if (begin !== undefined) await client.query(textOf(begin))
        if (tenant === undefined) return client.query(query)
        if (leavesTraces(query.text)) this.#pool.spend(client)
        return runHeld(client, query, tenant, isInTransaction)
      }, tenant)
    return mayWrite(query.text) ? this.#telling(undefined, run) : run()
  }

  transaction<result>(work: () => Promise<result>, options: TransactionOptions = {}): Promise<result> {
    return this.#transactions.run(work, options)
  }

  afterCommit(effect: Effect): void {
    this.#transactions.afterCommit(this.#held(effect))
  }

  isInTransaction(): boolean {
    return this.#transactions.isOpen()
  }

  onWrite(listener: WriteListener): void {
    this.#writeListeners.push(listener)
  }

  beforeCommit(effect: Effect, options?: BeforeCommitOptions): void {
    this.#transactions.beforeCommit(effect, options, this.#held(effect))
  }

  openSession(): Session {
    return new Session(this.#connection, { hasTenants: this.#hasTenants })
  }

  async connectAsOwner(): Promise<Client> {
    const client = new Client(this.#ownerConnection)
    client.on('error', () => undefined) // a connection that is lost fails the statement under way
    await client.connect()
    return client
  }

  client(): Pool | PoolClient {
    const tenant = this.#tenant()
    return this.#transactions.client(tenant === undefined ? undefined : { tenant, command: tenantCommand(tenant) }) ?? this.#pool.pg
  }

  /** Asks on a read connection, which is there also when the pool is busy. */
  async health(): Promise<DatabaseHealth> {
    const startedAt = performance.now()
    const pool = this.#pool.counts()
    try {
      await this.read({ text: 'select 1', values: [] })
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

  #isForPool({ slow = false }: ReadOptions = {}): boolean {
    return slow || this.#transactions.isOpen() || performance.now() < this.#poolOnlyUntil
  }

  /** Writes cannot go on the connections of reads, but reads on those of the pool. */
  #makeRoom(): void {
    this.#poolOnlyUntil = performance.now() + scarceMs
    this.#reader.renew()
  }

  #readOnPool(statement: Statement, tenant: string | undefined): Promise<TextRows> {
    return this.#run((client, begin) => runText(client, unnamed(statement), ahead(begin, tenant)), tenant, isConnectionError)
  }

  /** That of the moment in which a statement is asked for, whenever it is sent. Undefined where there are none: then nothing is said. */
  #tenant(): string | undefined {
    return this.#hasTenants ? tenantInForce() : undefined
  }

  /** What is run later, where something else is in force. */
  #held(effect: Effect): Effect {
    return this.#hasTenants ? inTenantOfNow(effect) : effect
  }

  /** Where the server gives no connection for reads the pool may have the only ones there are. */
  async #unlessScarce<result>(error: unknown, otherwise: () => Promise<result>): Promise<result> {
    if (pgProblemOf(error)?.sqlstate !== tooManyConnections) throw error
    return otherwise()
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
  async #run<result>(
    query: OnClient<result>,
    tenant: string | undefined,
    alsoWhen: (error: unknown) => boolean = () => false,
  ): Promise<result> {
    try {
      const result = await this.#transactions.onConnection(query, tenant)
      this.#retries.succeeded()
      return result
    } catch (error) {
      this.#look(error)
      const mayRunAgain = !this.#transactions.isOpen() && (isStalePlan(error) || alsoWhen(error))
      if (!mayRunAgain || !this.#retries.spend()) throw toAppError(error)
    }
    return this.#transactions.onConnection(query).catch((error: unknown) => {
      throw toAppError(error)
    })
  }

  /**
   * A server that takes no changes may be a primary that has been replaced: its address, a name or a proxy, then leads to another,
   * and connections that last would never notice. So they are made anew, once a second as long as it is so.
   */
  #look(error: unknown): void {
    const now = performance.now()
    if (pgProblemOf(error)?.sqlstate !== readOnly || now - this.#renewedAt < renewMs) return
    this.#renewedAt = now
    this.#pool.renew()
    this.#reader.renew()
  }
}

function ahead(begin: Begin = [], tenant: string | undefined): readonly Statement[] {
  return tenant === undefined ? begin : [...begin, tenantStatement(tenant)]
}

/**
 * Reads on pool connections are not prepared: callers choose their filters and searches, and unlike the reader `pg` never
 * forgets a prepared statement, so their number would be the callers' to choose.
 */
function unnamed({ text, values }: Statement): Statement {
  return { text, values }
}
