// A connection for commands that look after the database: one session, no time limit on statements, closed afterwards.

import type { Client, Pool, PoolClient } from 'pg'
import type { Config } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { addressOf, createDatabase } from '../db/create-database.ts'
import type { Database } from '../db/database.ts'
import { dbErrors } from '../db/errors.ts'
import type { LoadedApp } from './load-app.ts'
import { working } from './progress.ts'

export function withConnection<result>({ config }: LoadedApp, work: (client: PoolClient) => Promise<result>): Promise<result> {
  return connected(config, work)
}

/** Opens the configured database (starting the embedded one), hands over a session, closes both. */
export async function connected<result>(config: Config, work: (client: PoolClient) => Promise<result>): Promise<result> {
  const db = await open(config)
  try {
    return await withSession(db, config, work)
  } finally {
    await db.close()
  }
}

/** The first start of the embedded database takes seconds. */
async function open({ database, root, env }: Config): Promise<Database> {
  const erase = database.url === undefined ? working('Starting the embedded database …') : () => {}
  try {
    return await createDatabase({ ...database, root, env }, silentLog())
  } finally {
    erase()
  }
}

/** A session of its own from the database of a running application. @throws AppError DB_CANNOT_CONNECT */
export async function withSession<result>(db: Database, config: Config, work: (client: PoolClient) => Promise<result>): Promise<result> {
  const client = await connect(db, config)
  // A connection that is lost also fails the statement under way; between two statements nobody else would hear of it.
  client.on('error', () => {})
  try {
    // The limits of a request are not those of a migration; lock_timeout is set by the migrator itself.
    await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0')
    return await work(client)
  } finally {
    client.release(true)
  }
}

/** A session as the user of the configuration, which the running application is not where it has tenants. @throws AppError DB_CANNOT_CONNECT */
export async function asOwner<result>(db: Database, config: Config, work: (client: Client) => Promise<result>): Promise<result> {
  const client = await db.connectAsOwner().catch((error: unknown) => refuse(error, config))
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function connect(db: Database, config: Config): Promise<PoolClient> {
  try {
    return await (db.client() as Pool).connect()
  } catch (error) {
    return refuse(error, config)
  }
}

function refuse(error: unknown, { database }: Config): never {
  if (error instanceof AppError) throw error
  throw dbErrors.CANNOT_CONNECT(addressOf(database.url ?? 'embedded'), reasonOf(error)).with({ cause: error })
}

/** A host with several addresses fails once for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
