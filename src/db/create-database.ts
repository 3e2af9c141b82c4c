// The database of an application: a pool for writes and transactions, pipelined connections for reads, one watchdog.

import type { DatabaseConfig, Environment } from '../core/config.ts'
import { silentLog, type Logger } from '../core/log.ts'
import { createMetrics, Histogram, type Metrics } from '../core/metrics.ts'
import { asOwner } from './app-role.ts'
import { connectionConfig } from './connect.ts'
import type { Database } from './database.ts'
import type { EmbeddedDatabase } from './embedded/start.ts'
import { dbErrors } from './errors.ts'
import { knock } from './knock.ts'
import { measurePool, measureReads } from './measures.ts'
import { appErrorIn, pgProblemOf } from './pg-errors.ts'
import { ConnectionPool } from './pool.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { createReader } from './reader/reader.ts'
import { Replica } from './replicas/replica.ts'
import { ReplicaSet } from './replicas/replica-set.ts'
import { ReplicatedDatabase } from './replicas/replicated-database.ts'
import { doubtMs, Writes } from './replicas/writes.ts'
import { Watchdog } from './watchdog.ts'

export interface CreateDatabaseConfig extends DatabaseConfig {
  /** Every connection is held to the tenant in force, as the role of the application. */
  readonly hasTenants?: boolean
  /** Folder of the application; the embedded database lies in `.plinth/postgres` of it. */
  readonly root: string
  readonly env: Environment
}

/**
 * Connects to `config.url`, or starts the embedded database when there is none.
 *
 * A server that cannot be reached is no error here: statements answer 503 until it is there.
 *
 * @throws AppError `DB_CANNOT_CONNECT`, `DB_SERVER_TOO_OLD`, or one of the embedded database's (`EMBEDDED_…`)
 */
export async function createDatabase(config: CreateDatabaseConfig, log: Logger, metrics = createMetrics()): Promise<Database> {
  const embedded = config.url === undefined ? await startEmbedded(config.root, log) : undefined
  const url = config.url ?? embedded?.url ?? ''
  const waits = metrics.histogram('plinth_db_pool_wait_seconds', 'Seconds that callers waited for a connection of the pool.')
  const database = assemble(url, config, { embedded, log, waits })
  measurePool(metrics, () => database.poolCounts())
  try {
    await database.connect()
  } catch (error) {
    await refuseOrWait(error, url, database, log)
  }
  return config.replicaUrls.length === 0 ? database : withReplicas(database, config, log, metrics)
}

/** Loaded when it is needed: a twentieth of the time to start with a server of one's own. */
async function startEmbedded(root: string, log: Logger): Promise<EmbeddedDatabase> {
  const embedded = await import('./embedded/start.ts')
  return embedded.startEmbedded({ root, log })
}

type HeldConfig = DatabaseConfig & Pick<CreateDatabaseConfig, 'hasTenants'>

interface Surroundings {
  readonly embedded?: EmbeddedDatabase | undefined
  readonly log: Logger
  readonly waits: Histogram
}

function assemble(url: string, config: HeldConfig, { embedded, log, waits }: Surroundings): PostgresDatabase {
  const { statementTimeoutMs, hasTenants = false } = config
  const connection = connectionConfig(url, config)
  const watchdog = new Watchdog({ statementTimeoutMs, knock: () => knock(connection), log })
  const pool = new ConnectionPool({ connection, size: config.poolSize, watchdog, log, waits, hasTenants })
  const reader = createReader({
    connection,
    connections: config.readerConnections,
    statementTimeoutMs,
    kind: config.reader,
    hasTenants,
    onConnectionError: (error) => log.warn({ err: error }, 'a read connection was lost'),
  })
  return new PostgresDatabase({ connection, ownerConnection: asOwner(connection), hasTenants, pool, reader, watchdog, embedded, log })
}

/** What can be wrong with a replica is said by the set, once, and not by every connection that fails. */
async function withReplicas(primary: Database, config: HeldConfig, log: Logger, metrics: Metrics): Promise<Database> {
  const quiet = { log: silentLog(), waits: new Histogram() }
  const replicas = config.replicaUrls.map((url) => new Replica(addressOf(url), assemble(url, config, quiet)))
  const set = new ReplicaSet({ primary, replicas, maxLagMs: config.replicaMaxLagMs, log })
  const writes = new Writes(primary, doubtMs(config))
  await set.start()
  const database = new ReplicatedDatabase({ primary, replicas: set, writes })
  measureReads(metrics, () => database.reads())
  return database
}

/**
 * What waiting does not cure ends the start: a wrong password (28), a database that does not exist (3D), an old server, a pooler on the way.
 * The role of the application is made by migrations, which may be run next: who serves looks again (app/wall.ts).
 */
async function refuseOrWait(error: unknown, url: string, database: Database, log: Logger): Promise<void> {
  const refusal = pgProblemOf(error)
  const forGood = /^(28|3D)/.test(refusal?.sqlstate ?? '')
  const code = appErrorIn(error)?.code ?? ''
  if (code === 'DB_NO_APP_ROLE') return
  const ours = code === 'DB_SERVER_TOO_OLD' || code === 'DB_NOT_HELD'
  if (!forGood && !ours) return log.warn({ err: error, address: addressOf(url) }, 'the database cannot be reached yet')
  await database.close()
  throw ours ? error : dbErrors.CANNOT_CONNECT(addressOf(url), refusal?.message ?? '').with({ cause: error })
}

/** The URL without what is before the last `@` (user and password) and without parameters. */
export function addressOf(url: string): string {
  return url.replace(/^.*@|^\w+:\/\//, '').replace(/\?.*$/, '')
}
