// The cache beside what it is compared with: each server on a database of its own, all on one PostgreSQL and one Redis, in turns.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { trackingOf } from '../../src/app/tracking.ts'
import { createScratchDatabase } from '../../src/db/scratch-database.ts'
import type { PostgresServer } from '../../test/support/postgres-server.ts'
import { startRedis } from '../../test/support/redis-server.ts'
import { loadDatabase } from '../data.ts'
import { cpuBetween, postgresCpu } from '../postgres-cpu.ts'
import { type Generator, type Server, startGenerator, startScript } from '../processes.ts'
import { cachedApp, isCacheWay } from './app.ts'
import { type CacheServerName, type Case, cases, serverNames } from './cases.ts'

export interface CacheOptions {
  readonly rounds: number
  readonly measureMs: number
  readonly warmUpMs: number
}

/** One side of one case in one round; CPU in microseconds per request. */
export interface CacheSample {
  readonly perSecond: number
  readonly nodeCpu: number
  /** Of PostgreSQL; undefined where the kernel does not tell. */
  readonly postgresCpu: number | undefined
}

export interface Pair {
  readonly case: Case
  readonly ours: CacheSample
  readonly other: CacheSample
}

type CacheServer = Omit<Server, 'name'>

interface CacheBed {
  readonly servers: ReadonlyMap<CacheServerName, CacheServer>
  readonly generator: Generator
  readonly dataDirectory: string
}

const connections = 32

/** @throws Error when a server answers anything but 2xx */
export async function measureCache(postgres: PostgresServer, folder: string, options: CacheOptions): Promise<Pair[]> {
  const redis = await startRedis()
  const generator = await startGenerator()
  const servers = new Map<CacheServerName, CacheServer>()
  try {
    for (const name of serverNames) servers.set(name, await startCacheServer(name, postgres.url, redis.url, folder))
    return await measureRounds({ servers, generator, dataDirectory: postgres.dataDirectory }, options)
  } finally {
    await Promise.all([generator, ...servers.values()].map((process) => process.stop()))
    await redis.destroy()
  }
}

async function startCacheServer(name: CacheServerName, postgresUrl: string, redisUrl: string, folder: string): Promise<CacheServer> {
  const { url } = await createScratchDatabase(postgresUrl)
  const isOurs = isCacheWay(name)
  await loadDatabase(url, isOurs ? trackingOf(cachedApp(name)) : undefined)
  const place = join(folder, name)
  mkdirSync(join(place, 'logs'), { recursive: true })
  return startScript(join(import.meta.dirname, 'servers', `${isOurs ? 'plinth' : name}.ts`), [url, place, redisUrl, name])
}

async function measureRounds(bed: CacheBed, options: CacheOptions): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    for (const one of cases) {
      pairs.push({ case: one, ours: await measure(bed, one, one.ours, options), other: await measure(bed, one, one.other, options) })
    }
  }
  return pairs
}

async function measure(bed: CacheBed, { workload }: Case, name: CacheServerName, options: CacheOptions): Promise<CacheSample> {
  const server = bed.servers.get(name)
  if (server === undefined) throw new Error(`${name} was not started.`)
  const load = async (milliseconds: number) => {
    const report = await bed.generator.load({ port: server.port, workload, connections, milliseconds })
    if (report.failure !== undefined) throw new Error(`${name} failed at ${workload}: ${report.failure}`)
    return report
  }
  await load(options.warmUpMs)
  const before = { node: (await server.ask('usage')).cpuMicroseconds, postgres: postgresCpu(bed.dataDirectory) }
  const { requests, seconds } = await load(options.measureMs)
  const after = { node: (await server.ask('usage')).cpuMicroseconds, postgres: postgresCpu(bed.dataDirectory) }
  const postgres = cpuBetween(before.postgres, after.postgres)
  return {
    perSecond: requests / seconds,
    nodeCpu: (after.node - before.node) / requests,
    postgresCpu: postgres === undefined ? undefined : postgres / requests,
  }
}
