// Redis for an application whose configuration names one. Without it not a line about Redis is loaded.

import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { HealthCheck } from '../core/module.ts'
import type { Redis } from '../redis/redis.ts'

/** Begins to connect and does not wait for it. */
export async function openRedis({ redis }: Config, application: string, log: Logger, metrics: Metrics): Promise<Redis | undefined> {
  if (redis === undefined) return undefined
  const { createRedis } = await import('../redis/create-redis.ts')
  return createRedis(redis, application, log, metrics)
}

/** The application serves without it, so it does not decide whether the application is ready. */
export function redisChecks(redis: Redis | undefined): HealthCheck[] {
  return redis === undefined ? [] : [{ name: 'redis', required: false, check: () => redis.health() }]
}
