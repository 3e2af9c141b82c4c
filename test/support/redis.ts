// A Redis as applications have it, for one test, with what it logs.

import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/core/log.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import { createRedis } from '../../src/redis/create-redis.ts'
import type { Redis } from '../../src/redis/redis.ts'
import { startRedis, type RedisServer } from './redis-server.ts'

export interface TestRedis {
  readonly redis: Redis
  readonly metrics: Metrics
  /** Messages that were logged, in order. */
  readonly lines: string[]
}

/** Connects, or has tried to. It is closed with the test. */
export async function testRedis(url: string, { budgetMs = 50, name = 'test' } = {}): Promise<TestRedis> {
  const lines: string[] = []
  const write = (line: string): void => void lines.push((JSON.parse(line) as { message: string }).message)
  const metrics = createMetrics()
  const redis = createRedis({ url, budgetMs }, name, createLog({ level: 'info', stream: { write } }), metrics)
  onTestFinished(() => redis.close())
  await redis.ready()
  return { redis, metrics, lines }
}

/** A server that ends with the test. */
export async function redisServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedis(settings)
  onTestFinished(() => server.destroy())
  return server
}

/** Waits until `holds`. @throws Error after `withinMs` */
export async function until(holds: () => unknown, withinMs = 8_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await holds());) {
    if (Date.now() > deadline) throw new Error(`It did not come about within ${withinMs} ms: ${holds.toString()}`)
    await sleep(10)
  }
}
