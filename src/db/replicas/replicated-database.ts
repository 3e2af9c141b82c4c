// A primary with replicas. Writes, transactions and reads that must be the latest go to the primary as without replicas; reads that
// may be elsewhere (`anywhere`) go to a replica that shows everything this process and this client have written.

import type { Client, Pool, PoolClient, QueryArrayConfig, QueryConfig, QueryResult } from 'pg'
import { currentContext } from '../../core/context.ts'
import type { Effect } from '../after-commit.ts'
import type {
  BeforeCommitOptions,
  Database,
  DatabaseHealth,
  ReadOptions,
  Reads,
  ReadsHealth,
  TransactionOptions,
  WriteListener,
  WriteOptions,
} from '../database.ts'
import { mayWrite } from '../may-write.ts'
import { toAppError } from '../pg-errors.ts'
import type { Statement, TextRows } from '../rows.ts'
import type { Session } from '../session.ts'
import { isUnsent } from '../unsent.ts'
import { both, type Demand, readToken, tokenOf } from './position.ts'
import { ReplicaReads } from './replica-reads.ts'
import type { ReplicaSet } from './replica-set.ts'
import type { Writes } from './writes.ts'

export interface ReplicatedParts {
  readonly primary: Database
  readonly replicas: ReplicaSet
  readonly writes: Writes
}

/** Codes after which nobody knows whether a statement that was sent has been done. */
const doubtful: ReadonlySet<string> = new Set(['DB_UNAVAILABLE', 'DB_TIMEOUT'])

export class ReplicatedDatabase implements Database {
  readonly #primary: Database
  readonly #replicas: ReplicaSet
  readonly #writes: Writes
  #readsOnPrimary = 0

  constructor({ primary, replicas, writes }: ReplicatedParts) {
    this.#primary = primary
    this.#replicas = replicas
    this.#writes = writes
  }

  anywhere(): Reads {
    if (this.isInTransaction()) return this.#primary
    const demand = this.#demand()
    const replica = demand === 'primary' ? undefined : this.#replicas.choose(demand)
    if (demand === 'primary' || replica === undefined) {
      this.#readsOnPrimary += 1
      return this.#primary
    }
    replica.reads += 1
    return new ReplicaReads(replica, this.#primary, demand)
  }

  async readAfter(): Promise<string | undefined> {
    const context = currentContext()
    if (context?.lastWrite === undefined) return undefined
    return context.lastWrite === 'unknown' ? tokenOf('primary') : tokenOf(await this.#writes.reached(context.lastWrite))
  }

  read(statement: Statement, options?: ReadOptions): Promise<TextRows> {
    return this.#primary.read(statement, options)
  }

  readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    return this.#primary.readAll(statements, options)
  }

  write(statement: Statement, options?: WriteOptions): Promise<TextRows> {
    return this.#noting(() => this.#primary.write(statement, options))
  }

  query<row extends object>(text: string, values?: readonly unknown[]): Promise<row[]> {
    const run = (): Promise<row[]> => this.#primary.query<row>(text, values)
    return mayWrite(text) ? this.#noting(run) : run()
  }

  execute(query: QueryConfig | QueryArrayConfig): Promise<QueryResult> {
    const run = (): Promise<QueryResult> => this.#primary.execute(query)
    return mayWrite(query.text) ? this.#noting(run) : run()
  }

  async transaction<result>(work: () => Promise<result>, options: TransactionOptions = {}): Promise<result> {
    if (this.isInTransaction() || options.readOnly === true) return this.#primary.transaction(work, options)
    const noted = (): Promise<result> => {
      // The first effect, so that those of `work` already read what was written.
      this.#primary.afterCommit(() => this.#wrote())
      return work()
    }
    return this.#doubting(() => this.#primary.transaction(noted, options))
  }

  afterCommit(effect: Effect): void {
    this.#primary.afterCommit(effect)
  }

  isInTransaction(): boolean {
    return this.#primary.isInTransaction()
  }

  onWrite(listener: WriteListener): void {
    this.#primary.onWrite(listener)
  }

  beforeCommit(effect: Effect, options?: BeforeCommitOptions): void {
    this.#primary.beforeCommit(effect, options)
  }

  openSession(): Session {
    return this.#primary.openSession()
  }

  connectAsOwner(): Promise<Client> {
    return this.#primary.connectAsOwner()
  }

  client(): Pool | PoolClient {
    return this.#primary.client()
  }

  async health(): Promise<DatabaseHealth> {
    return { ...(await this.#primary.health()), reads: this.reads() }
  }

  reads(): ReadsHealth {
    return { primary: this.#readsOnPrimary, replicas: this.#replicas.health() }
  }

  async close(): Promise<void> {
    await Promise.all([this.#replicas.close(), this.#primary.close()])
  }

  /** What this process has written, and what the client says it has, here or at another process. */
  #demand(): Demand {
    const context = currentContext()
    if (context?.lastWrite === 'unknown') return 'primary'
    const told = context?.readAfter === undefined ? undefined : readToken(context.readAfter)
    return both(told, this.#writes.demand())
  }

  /** In a transaction the commit is what counts. */
  #noting<result>(write: () => Promise<result>): Promise<result> {
    if (this.isInTransaction()) return write()
    return this.#doubting(async () => {
      const result = await write()
      this.#wrote()
      return result
    })
  }

  async #doubting<result>(write: () => Promise<result>): Promise<result> {
    try {
      return await write()
    } catch (error) {
      const failure = toAppError(error)
      if (doubtful.has(failure.code) && !isUnsent(failure)) this.#doubt()
      throw error
    }
  }

  #wrote(): void {
    const write = this.#writes.add()
    const context = currentContext()
    if (context !== undefined && context.lastWrite !== 'unknown') context.lastWrite = write
  }

  #doubt(): void {
    this.#writes.doubt()
    const context = currentContext()
    if (context !== undefined) context.lastWrite = 'unknown'
  }
}
