// A connection for commands that look after the database: one session, no time limit on statements, closed afterwards.

import type { Pool, PoolClient } from 'pg'
import type { Config } from '../core/config.ts'
import { createLog } from '../core/log.ts'
import { createDatabase } from '../db/create-database.ts'
import type { Database } from '../db/database.ts'
import type { LoadedApp } from './load-app.ts'

export function withConnection<result>({ config }: LoadedApp, work: (client: PoolClient) => Promise<result>): Promise<result> {
  return connected(config, work)
}

/** Opens the configured database (starting the embedded one), hands over a session, closes both. */
export async function connected<result>(config: Config, work: (client: PoolClient) => Promise<result>): Promise<result> {
  const log = createLog({ level: 'warn', stream: process.stderr })
  const db = await createDatabase({ ...config.database, root: config.root, env: config.env }, log)
  try {
    return await withSession(db, work)
  } finally {
    await db.close()
  }
}

/** A session of its own from the database of a running application. */
export async function withSession<result>(db: Database, work: (client: PoolClient) => Promise<result>): Promise<result> {
  const client = await (db.client() as Pool).connect()
  try {
    // The limits of a request are not those of a migration; lock_timeout is set by the migrator itself.
    await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0')
    return await work(client)
  } finally {
    client.release(true)
  }
}
