// Puts sessions and rate counters together out of what the application has: a database always, Redis perhaps.

import { createHmac } from 'node:crypto'
import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Database } from '../db/database.ts'
import type { Redis } from '../redis/redis.ts'
import { expiringTables, forgetExpired } from './forget-expired.ts'
import { postgresRates } from './postgres-rates.ts'
import type { RateCounter } from './rate-counter.ts'
import { redisRates } from './redis-rates.ts'
import { forgetChanges, SessionChanges } from './session-changes.ts'
import type { SessionStore } from './sessions.ts'
import { SharedRates } from './shared-rates.ts'
import { SharedSessions } from './shared-sessions.ts'
import { stateSweeper } from './sweeper.ts'
import { processRates } from './window.ts'

/** About a hundred times what it takes. */
const defaultCountBudgetMs = 250
/** Whoever needs the count to be exact waits for a database that is slow. */
const exactBudgetMs = 5_000

export interface StateParts {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly log: Logger
  readonly metrics: Metrics
  /** SECRET_KEY: what is kept in Redis is signed with a key of its own, made of it. */
  readonly secret: string
  /** Longest wait for PostgreSQL to count a hit; then the process counts it. */
  readonly countBudgetMs?: number
}

/** What processes of an application share besides their tables. */
export interface State {
  readonly sessions: SessionStore
  readonly rates: RateCounter
  /**
   * Counted in PostgreSQL alone, also where there is Redis: processes have one count between them, whatever becomes of Redis. A write for each
   * hit, so this is for what is worth it: tries of passwords.
   */
  readonly exactRates: RateCounter
}

export interface OpenState extends State {
  /** Removes what is over, as long as it runs and when something was used. */
  readonly sweeper: Part
  /** Asks nothing of the database any more. */
  close(): void
}

/** Asks nothing of anybody before something of it is used. */
export function createState({ db, redis, log, metrics, secret, countBudgetMs = defaultCountBudgetMs }: StateParts): OpenState {
  const changes = new SessionChanges(db)
  const key = createHmac('sha256', secret).update('copies of sessions').digest()
  const countSession = metrics.counter('plinth_sessions_total', 'Sessions looked up, by where they were found.', 'from')
  const countHit = metrics.counter('plinth_rate_hits_total', 'Hits counted, by where.', 'store')
  const forgetOldChanges = async (most: number): Promise<number> => {
    const version = changes.removable()
    return version === undefined ? 0 : forgetChanges(db, version, most)
  }
  const sessions = new SharedSessions({ db, redis, changes, key, count: (from) => countSession(from) })
  const counting = { log, count: (store: string, hits: number) => countHit(store, hits) }
  const rates = new SharedRates({
    stores: [...(redis === undefined ? [] : [redisRates(redis)]), postgresRates(db, countBudgetMs), processRates()],
    ...counting,
  })
  const exactRates = new SharedRates({ stores: [postgresRates(db, exactBudgetMs), processRates()], ...counting })
  const sweeps = [...expiringTables.map((table) => (most: number) => forgetExpired(db, table, most)), forgetOldChanges]
  let isUsed = false
  const used = <part>(part: part): part => {
    isUsed = true
    return part
  }
  return {
    get sessions() {
      return used(sessions)
    },
    get rates() {
      return used(rates)
    },
    get exactRates() {
      return used(exactRates)
    },
    sweeper: stateSweeper(sweeps, log, { name: 'The sweeper of sessions and counters', isNeeded: () => isUsed }),
    close: () => changes.close(),
  }
}
