// Processes with a fenced cache, as far as a test needs them: a database of items, a Redis, and what reads and writes through both.

import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { onTestFinished } from 'vitest'
import type { FencedFaults } from '../../src/cache/fenced/faults.ts'
import { FencedCache } from '../../src/cache/fenced/fenced-cache.ts'
import type { FencedValue } from '../../src/cache/fenced/reads.ts'
import { createLog } from '../../src/core/log.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createDatabase } from '../../src/db/create-database.ts'
import type { Database } from '../../src/db/database.ts'
import { createRedis } from '../../src/redis/create-redis.ts'
import type { Redis } from '../../src/redis/redis.ts'
import { createSchema } from '../../src/testing/create-schema.ts'
import { scratchDatabase } from './postgres.ts'

export const owners = pgTable('owners', { id: integer().primaryKey() })
export const items = pgTable('items', {
  id: integer().primaryKey(),
  value: text().notNull(),
  owner_id: integer().references(() => owners.id, { onDelete: 'cascade' }),
})

/** An empty database with `owners` and the fenced `items`. It is dropped with the test. */
export async function fencedDatabase(serverUrl: string): Promise<string> {
  const scratch = await scratchDatabase(serverUrl)
  onTestFinished(() => scratch.drop())
  await createSchema(scratch.url, { owners, items }, { versioned: [], tracked: [], fenced: ['public.items'] })
  return scratch.url
}

export interface FencedNode {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly cache: FencedCache
  readonly logged: string[]
  /** Statements that loads have run since the node was made. */
  readonly loads: { count: number }
  /** @param before  runs after the database was asked and before it answers */
  read(id: number, options?: ReadOptions): Promise<FencedValue & { readonly text: string | undefined }>
  write(id: number, value: string): Promise<void>
  close(): Promise<void>
}

export interface ReadOptions {
  readonly variant?: string
  /** After the row was read and before it is filled in. */
  readonly loaded?: () => Promise<unknown>
}

export interface NodeOptions {
  readonly redisUrl?: string
  readonly faults?: FencedFaults
  readonly name?: string
}

const databaseConfig = {
  root: '/nonexistent',
  env: 'testing',
  poolSize: 4,
  readerConnections: 2,
  reader: 'thin',
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 5_000,
  idleInTransactionTimeoutMs: 20_000,
  migrationLockTimeoutMs: 5_000,
  replicaUrls: [],
  replicaMaxLagMs: 1_000,
} as const

/** One process: it is started, and stopped with the test. */
export async function fencedNode(url: string, { redisUrl, faults, name = 'test' }: NodeOptions): Promise<FencedNode> {
  const logged: string[] = []
  const write = (line: string): void => void logged.push(line)
  const log = createLog({ level: 'info', stream: { write } })
  const metrics = createMetrics()
  const db = await createDatabase({ ...databaseConfig, url }, log)
  const redis = redisUrl === undefined ? undefined : createRedis({ url: redisUrl, budgetMs: 50 }, name, log, metrics)
  await redis?.ready()
  const tables = [{ name: '"public"."items"', key: ['id'] }]
  const cache = new FencedCache({ db, redis, log, metrics, tables, faults })
  const loads = { count: 0 }
  const close = async (): Promise<void> => {
    await cache.stop()
    await redis?.close()
    await db.close()
  }
  let isClosed = false
  const closeOnce = async (): Promise<void> => {
    if (!isClosed) await close()
    isClosed = true
  }
  onTestFinished(closeOnce)
  await cache.start()
  const load = async (id: number, { loaded }: ReadOptions): Promise<Buffer | undefined> => {
    loads.count += 1
    const [row] = await db.query<{ value: string }>('select value from items where id = $1', [id])
    await loaded?.()
    return row === undefined ? undefined : Buffer.from(row.value)
  }
  return {
    db,
    redis,
    cache,
    logged,
    loads,
    async read(id, options = {}) {
      const read = { row: { table: '"public"."items"', key: [String(id)] }, variant: options.variant ?? 'whole', ttlMs: 60_000 }
      const found = (await cache.read(read, () => load(id, options))) ?? { value: await load(id, options), status: 'bypass' as const }
      return { ...found, text: found.value?.toString() }
    },
    async write(id, value) {
      await cache.writes.transaction(() =>
        db.query('insert into items values ($1, $2) on conflict (id) do update set value = $2', [id, value]),
      )
    },
    close: closeOnce,
  }
}
