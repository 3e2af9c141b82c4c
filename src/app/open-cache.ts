// The cache of an application that has a cached resource. Without one not a line about caching runs.

import type { Cache, CacheInternals } from '../cache/cache.ts'
import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { HealthCheck } from '../core/module.ts'
import type { Bus } from '../core/processes/bus.ts'
import type { Database } from '../db/database.ts'
import type { Model } from '../model/model.ts'
import type { Redis } from '../redis/redis.ts'
import type { Registry } from '../resource/registry.ts'

export interface CacheSurroundings {
  readonly config: Config
  readonly registry: Registry
  readonly db: Database
  readonly redis: Redis | undefined
  readonly bus: Bus
  readonly log: Logger
  readonly metrics: Metrics
}

export async function openCache(surroundings: CacheSurroundings, internals?: CacheInternals): Promise<Cache | undefined> {
  const { config, registry, db, redis, bus, log, metrics } = surroundings
  const settings = [...registry.resources.values()].flatMap(({ cache }) => cache ?? [])
  if (settings.length === 0) return undefined
  const { Cache } = await import('../cache/cache.ts')
  const fenced = await openFenced(surroundings, internals)
  return new Cache({
    fenced,
    db,
    redis,
    bus,
    log,
    metrics,
    memoryBytes: config.cache.memoryBytes,
    secret: config.secrets.secretKey,
    hasNear: settings.some(({ nearMs }) => nearMs > 0),
    models: Array.from(registry.models.values(), ({ sqlName }) => sqlName),
    internals,
  })
}

/** The cache of rows that Redis alone is asked for. */
async function openFenced({ registry, db, redis, log, metrics }: CacheSurroundings, internals?: CacheInternals) {
  const resources = [...registry.resources.values()].filter(({ cache }) => cache?.mode === 'fenced')
  if (resources.length === 0) return undefined
  const { FencedCache } = await import('../cache/fenced/fenced-cache.ts')
  const columnOf = (model: Model, name: string): string => model.fieldByName.get(name)?.column ?? name
  const tables = resources.map(({ model }) => ({ name: model.sqlName, key: model.primaryKey.map((name) => columnOf(model, name)) }))
  return new FencedCache({ db, redis, log, metrics, tables, faults: internals?.fencedFaults })
}

/** Answers are right without it, only later. */
export function cacheChecks(cache: Cache | undefined): HealthCheck[] {
  if (cache === undefined) return []
  const check: HealthCheck['check'] = async () => {
    const { memory, redisUsable, untracked } = cache.stats()
    const fenced = cache.fenced === undefined ? {} : { fenced: cache.fenced.health() }
    return { ok: untracked.length === 0, memory, redisUsable, untracked, ...fenced }
  }
  return [{ name: 'cache', required: false, check }]
}
