// Everything that a run runs on: PostgreSQL, Redis, and processes of the application, each with a way of its own to Redis.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { trackingOf } from '../../src/app/tracking.ts'
import { createSchema } from '../../src/testing/create-schema.ts'
import { startRedis, type RedisServer } from '../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { removeFolder, temporaryFolder } from '../support/temporary.ts'
import { definition } from './app/definition.ts'
import * as tables from './app/tables.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { type ModeName, modes } from './modes.ts'
import { type AppProcess, startProcess } from './processes.ts'
import { query } from './query.ts'

const processCount = 3
/** Few, so that they are hot. */
const keyCount = 8

/** The application's user owns its database and is no superuser, as it should be. */
const appUser = 'coherence'

export interface Servers {
  readonly cluster: Cluster
  readonly redis: RedisServer
  /** Of each process, in their order. */
  readonly redisProxies: readonly TcpProxy[]
  /** Of the application's user. */
  readonly databaseUrl: string
  /** What the processes complain about goes here. */
  readonly log: string
  complaints(): string
  close(): Promise<void>
}

/** @param standbys  of PostgreSQL, for runs in which the primary is lost */
export async function startServers(binaries: string, standbys: number): Promise<Servers> {
  const folder = temporaryFolder('coherence')
  const cluster = await startCluster(binaries, standbys)
  const redis = await startRedis()
  const redisProxies = await Promise.all(
    Array.from({ length: processCount }, () => startTcpProxy(redis.port, undefined, { record: false })),
  )
  const close = async (): Promise<void> => {
    await Promise.all(redisProxies.map((proxy) => proxy.close()))
    await Promise.all([redis.destroy(), cluster.destroy()])
    removeFolder(folder)
  }
  const log = join(folder, 'log')
  const complaints = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  try {
    return { cluster, redis, redisProxies, databaseUrl: await makeDatabase(cluster.url), log, complaints, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function makeDatabase(serverUrl: string): Promise<string> {
  await query(serverUrl, `create role ${appUser} login`, `create database ${appUser} owner ${appUser}`)
  const url = databaseAt(serverUrl)
  await createSchema(url, tables, trackingOf(definition(undefined)))
  const rows = `from generate_series(1, ${keyCount}) id`
  await query(
    url,
    ...Object.keys(modes).map((table) => `insert into ${table} select id, 0 ${rows}`),
    `insert into holders select id, id ${rows}`,
    // A record that is replaced past the framework is deleted and inserted, and must not lose its holder.
    'alter table holders alter constraint holders_register_id_verified_id_fkey deferrable initially deferred',
  )
  return url
}

/** The application's database on a server. */
export function databaseAt(serverUrl: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${appUser}`
  url.username = appUser
  return url.href
}

/** What was left of an earlier run is ended, and Redis emptied. @returns what the registers of each mode hold */
export async function settle(
  { databaseUrl, redis, log }: Servers,
  names: readonly ModeName[],
): Promise<Map<ModeName, Map<number, number>>> {
  rmSync(log, { force: true })
  await redis.command('FLUSHALL')
  await query(
    databaseUrl,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  return registersOf(databaseUrl, names)
}

/** @returns the values by key, for each mode */
export async function registersOf(url: string, names: readonly ModeName[]): Promise<Map<ModeName, Map<number, number>>> {
  const held = new Map<ModeName, Map<number, number>>()
  for (const name of names) {
    const rows = await query<{ id: number; value: number }>(url, `select id, value from ${name}`)
    held.set(name, new Map(rows.map(({ id, value }) => [id, value])))
  }
  return held
}

/** All of them, or none. */
export async function startProcesses(
  { redisProxies, databaseUrl, log }: Servers,
  settings: Readonly<Record<string, string>>,
): Promise<AppProcess[]> {
  const started = await Promise.allSettled(
    redisProxies.map(({ port }) => startProcess({ DATABASE_URL: databaseUrl, REDIS_URL: `redis://127.0.0.1:${port}`, ...settings }, log)),
  )
  const processes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = started.find((one) => one.status === 'rejected')
  if (failed === undefined) return processes
  await Promise.all(processes.map((process) => process.kill()))
  throw failed.reason
}
