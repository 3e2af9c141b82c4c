// The cache beside what it is compared with: each server on a database of its own, all on one PostgreSQL and one Redis, in turns.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { trackingOf } from '../../src/app/tracking.ts'
import { createScratchDatabase } from '../../src/db/scratch-database.ts'
import type { PostgresServer } from '../../test/support/postgres-server.ts'
import { startRedis } from '../../test/support/redis-server.ts'
import { loadDatabase } from '../data.ts'
import { type Measured, measureLoad, type Times } from '../measure-load.ts'
import { type Generator, type Server, startGenerator, startScript } from '../processes.ts'
import { cachedApp, isCacheWay } from './app.ts'
import { type CacheServerName, type Case, cases, serverNames } from './cases.ts'

export interface CacheOptions extends Times {
  readonly rounds: number
}

export interface Pair {
  readonly case: Case
  readonly ours: Measured
  readonly other: Measured
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

function measure({ servers, ...bed }: CacheBed, { workload }: Case, name: CacheServerName, options: CacheOptions): Promise<Measured> {
  const server = servers.get(name)
  if (server === undefined) throw new Error(`${name} was not started.`)
  return measureLoad({ name: `${name} at ${workload}`, server, ...bed }, { workload, connections }, options)
}
