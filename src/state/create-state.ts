// Puts sessions and rate counters together out of what the application has: a database always, Redis perhaps.

import { createHmac } from 'node:crypto'
import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Database } from '../db/database.ts'
import type { Redis } from '../redis/redis.ts'
import { forgetExpired } from './forget-expired.ts'
import { postgresRates } from './postgres-rates.ts'
import type { RateCounter } from './rate-counter.ts'
import { redisRates } from './redis-rates.ts'
import { forgetChanges, SessionChanges } from './session-changes.ts'
import type { SessionStore } from './sessions.ts'
import { SharedRates } from './shared-rates.ts'
import { SharedSessions } from './shared-sessions.ts'
import { stateSweeper } from './sweeper.ts'
import { processRates } from './window.ts'

export interface StateParts {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly log: Logger
  readonly metrics: Metrics
  /** SECRET_KEY: what is kept in Redis is signed with a key of its own, made of it. */
  readonly secret: string
}

export interface State {
  readonly sessions: SessionStore
  readonly rates: RateCounter
  /** Removes what is over, as long as it runs. */
  readonly sweeper: Part
  /** Asks nothing of the database any more. */
  close(): void
}

/** Asks nothing of anybody before it is used. */
export function createState({ db, redis, log, metrics, secret }: StateParts): State {
  const changes = new SessionChanges(db)
  const key = createHmac('sha256', secret).update('copies of sessions').digest()
  const countSession = metrics.counter('plinth_sessions_total', 'Sessions looked up, by where they were found.', 'from')
  const countHit = metrics.counter('plinth_rate_hits_total', 'Hits counted, by where.', 'store')
  const forgetOldChanges = async (most: number): Promise<number> => {
    const version = changes.removable()
    return version === undefined ? 0 : forgetChanges(db, version, most)
  }
  return {
    sessions: new SharedSessions({ db, redis, changes, key, count: (from) => countSession(from) }),
    rates: new SharedRates({
      stores: [...(redis === undefined ? [] : [redisRates(redis)]), postgresRates(db), processRates()],
      log,
      count: (store) => countHit(store),
    }),
    sweeper: stateSweeper(
      [(most) => forgetExpired(db, 'sessions', most), (most) => forgetExpired(db, 'rate_counters', most), forgetOldChanges],
      log,
    ),
    close: () => changes.close(),
  }
}
