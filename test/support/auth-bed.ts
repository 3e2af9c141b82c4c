// One database with the schema `plinth` for all tests of a file, and processes that share it; closed with the file.

import { silentLog } from '../../src/core/log.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { Database } from '../../src/db/database.ts'
import { installSystem } from '../../src/db/system/install.ts'
import { createRedis } from '../../src/redis/create-redis.ts'
import { createState } from '../../src/state/create-state.ts'
import type { RateCounter } from '../../src/state/rate-counter.ts'
import type { SessionStore } from '../../src/state/sessions.ts'
import { connectDatabase } from './database.ts'
import { scratchDatabase } from './postgres.ts'

export interface AuthProcess {
  readonly db: Database
  readonly sessions: SessionStore
  readonly rates: RateCounter
}

export interface AuthBed {
  readonly url: string
  /** Another process of the application, which has nothing in common with others but the database, and Redis when given. */
  process(redisUrl?: string): Promise<AuthProcess>
  close(): Promise<void>
}

export async function authBed(serverUrl?: string): Promise<AuthBed> {
  const { url, drop } = await scratchDatabase(serverUrl)
  const closing: (() => unknown)[] = [drop]
  const installer = await connectDatabase(url)
  await installSystem({ query: async (text) => ({ rows: await installer.query(text) }) })
  await installer.close()
  return {
    url,
    process: (redisUrl) => startAuthProcess(url, redisUrl, closing),
    async close() {
      for (const end of closing.toReversed()) await end()
    },
  }
}

async function startAuthProcess(url: string, redisUrl: string | undefined, closing: (() => unknown)[]): Promise<AuthProcess> {
  const db = await connectDatabase(url)
  const redis = redisUrl === undefined ? undefined : createRedis({ url: redisUrl, budgetMs: 500 }, 'test', silentLog(), createMetrics())
  const state = createState({ db, redis, log: silentLog(), metrics: createMetrics(), secret: 'a secret of the test' })
  await redis?.ready()
  closing.push(
    () => db.close(),
    () => redis?.close(),
    () => state.close(),
  )
  return { db, sessions: state.sessions, rates: state.rates }
}
