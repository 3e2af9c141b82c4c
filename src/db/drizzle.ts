// Drizzle on the application's database: custom code shares the transaction, the deadlines and the errors of generated code.

import type { AnyRelations } from 'drizzle-orm'
import { NodePgDatabase, nodePgCodecs, NodePgSession, NodePgTransaction, type NodePgClient } from 'drizzle-orm/node-postgres'
import { PgDialect, type PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { QueryArrayConfig, QueryConfig, QueryResult } from 'pg'
import type { Database, TransactionOptions } from './database.ts'

/**
 * A Drizzle handle that runs each query in the current transaction, or on any connection when there is none.
 * `transaction` on it is the database's own: savepoints when nested, and `afterCommit` waits for it.
 *
 * @param relations  what `defineRelations` returned, for `handle.query`
 * @throws           Drizzle's DrizzleQueryError; its cause is the AppError, which `toAppError` of `pg-errors.ts` finds
 */
export function drizzleOn(database: Database): NodePgDatabase
export function drizzleOn<relations extends AnyRelations>(database: Database, relations: relations): NodePgDatabase<relations>
export function drizzleOn(database: Database, relations: AnyRelations = {}): NodePgDatabase<AnyRelations> {
  const dialect = new PgDialect({ codecs: nodePgCodecs })
  return new NodePgDatabase(dialect, new SharedSession(database, dialect, relations), relations)
}

class SharedSession<relations extends AnyRelations> extends NodePgSession<relations> {
  readonly #begin: <result>(work: (tx: NodePgTransaction<relations>) => Promise<result>, options: TransactionOptions) => Promise<result>

  constructor(database: Database, dialect: PgDialect, relations: relations) {
    super(clientOf(database), dialect, relations)
    this.#begin = (work, options) => database.transaction(() => work(new SharedTransaction(dialect, this, relations, 0, false)), options)
  }

  override transaction<result>(
    work: (tx: NodePgTransaction<relations>) => Promise<result>,
    config: PgTransactionConfig = {},
  ): Promise<result> {
    return this.#begin(work, optionsOf(config))
  }
}

class SharedTransaction<relations extends AnyRelations> extends NodePgTransaction<relations> {
  override transaction<result>(work: (tx: NodePgTransaction<relations>) => Promise<result>): Promise<result> {
    return (this._.session as SharedSession<relations>).transaction(work)
  }
}

/** All that Drizzle's session calls on its client is `query`: so this stands in for one, and finds the right one each time. */
function clientOf(database: Database): NodePgClient {
  const client = {
    query: (query: QueryConfig | QueryArrayConfig, values: unknown[]): Promise<QueryResult> => database.execute({ ...query, values }),
  }
  return client as unknown as NodePgClient
}

function optionsOf({ isolationLevel, accessMode }: PgTransactionConfig): TransactionOptions {
  // PostgreSQL treats `read uncommitted` as `read committed`.
  const isolation = isolationLevel === 'read uncommitted' ? 'read committed' : isolationLevel
  return { isolation, readOnly: accessMode === 'read only' }
}
