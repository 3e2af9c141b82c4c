// A database with the schema `plinth`, and processes that share it, each with connections of its own.

import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/core/log.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import type { Database } from '../../src/db/database.ts'
import { installSystem } from '../../src/db/system/install.ts'
import type { Redis } from '../../src/redis/redis.ts'
import { createState, type OpenState } from '../../src/state/create-state.ts'
import { openDatabase } from './database.ts'
import { scratchDatabase } from './postgres.ts'
import { testRedis } from './redis.ts'

export interface StateProcess extends OpenState {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly metrics: Metrics
  /** Messages that were logged, in order. */
  readonly lines: string[]
}

export interface StateBed {
  /** Of the database. */
  readonly url: string
  /** What people do by hand: a connection of its own. */
  readonly psql: Client
  /** Another process of the application. */
  process(redisUrl?: string): Promise<StateProcess>
}

export async function stateBed(serverUrl?: string): Promise<StateBed> {
  const { url, drop } = await scratchDatabase(serverUrl)
  onTestFinished(drop)
  const psql = await connect(url)
  await installSystem(psql)
  return { url, psql, process: (redisUrl) => startProcess(url, redisUrl) }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** More than an application waits, so that a busy machine changes no counts. */
const budgetMs = 500

export async function startProcess(url: string, redisUrl?: string): Promise<StateProcess> {
  const lines: string[] = []
  const write = (line: string): void => void lines.push((JSON.parse(line) as { message: string }).message)
  const metrics = createMetrics()
  const db = await openDatabase(url)
  const redis = redisUrl === undefined ? undefined : (await testRedis(redisUrl, { budgetMs })).redis
  const log = createLog({ level: 'info', stream: { write } })
  const state = createState({ db, redis, log, metrics, secret: 'a secret of the test', countBudgetMs: 5_000 })
  onTestFinished(() => state.close())
  return { ...state, db, redis, metrics, lines }
}
