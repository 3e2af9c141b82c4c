// Servers of a test's own: PostgreSQL behind a proxy, with the tables of the application, and Redis behind another; when wanted a standby.

import { trackingOf } from '../../../src/app/tracking.ts'
import { createSchema } from '../../../src/testing/create-schema.ts'
import { type PostgresServer, startPostgres, startStandby } from '../../support/postgres-server.ts'
import { testDatabase } from '../../support/postgres.ts'
import { startRedis, type RedisServer } from '../../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { definition, cards, notes, pages } from '../app/definition.ts'
import { type AppOptions, type ChaosApp, startApp } from './app.ts'
import { databaseAt, query, role } from './database.ts'
import type { Ends } from './ends.ts'
import { smallVolume } from './volume.ts'

/** Rows of each table at the start, with ids from 1. */
export const rowCount = 50

export interface WorldOptions extends AppOptions {
  /** Settings of Redis; false for none. */
  readonly redis?: Readonly<Record<string, string>> | false
  readonly standby?: boolean
  /** Whether PostgreSQL's data lie on a small volume of their own. */
  readonly smallVolume?: boolean
  /** Of PostgreSQL. */
  readonly postgres?: Readonly<Record<string, string>>
  /** Of the application, by variable name. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface World {
  readonly app: ChaosApp
  readonly postgres: PostgresServer
  /** Between the application and PostgreSQL. */
  readonly proxy: TcpProxy
  readonly standby: PostgresServer | undefined
  readonly redis: RedisServer | undefined
  readonly redisProxy: TcpProxy | undefined
  /** What the application is given. */
  readonly settings: Readonly<Record<string, string>>
  /** Another process of it. */
  another(settings?: Readonly<Record<string, string>>, options?: AppOptions, ends?: Ends): Promise<ChaosApp>
  /** Runs SQL as superuser, past the proxy. */
  sql<row extends object>(text: string): Promise<row[]>
  /** Connections that the application has. */
  connections(): Promise<number>
}

/** @param ends  what will end it, also when it does not come about */
export async function startWorld(options: WorldOptions, ends: Ends): Promise<World> {
  const { binaries } = testDatabase()
  const folder = options.smallVolume === true ? smallVolume(ends) : undefined
  const postgres = await startPostgres(binaries, { ...options.postgres }, folder === undefined ? {} : { data: folder })
  ends.push(() => postgres.destroy())
  await makeDatabase(postgres.url)
  const standby = options.standby === true ? await startStandby(binaries, postgres) : undefined
  if (standby !== undefined) ends.push(() => standby.destroy())
  const proxy = await proxyBefore(postgres.port, ends)
  const { redis, redisProxy } = await redisOf(options, ends)
  const settings = {
    DATABASE_URL: databaseAt(postgres.url, proxy.port),
    ...(standby === undefined ? {} : { DATABASE_REPLICA_URLS: databaseAt(standby.url) }),
    ...(redisProxy === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redisProxy.port}` }),
    ...options.settings,
  }
  const another: World['another'] = (more = {}, own = options, until = ends) => startApp({ ...settings, ...more }, own, until)
  const app = await another()
  const sql = <row extends object>(text: string): Promise<row[]> => query(databaseAt(postgres.url, postgres.port, 'postgres'), text)
  const connections = async (): Promise<number> => {
    const [row] = await sql<{ count: number }>(`select count(*)::int as count from pg_stat_activity where usename = '${role}'`)
    return row?.count ?? 0
  }
  return { app, postgres, proxy, standby, redis, redisProxy, settings, another, sql, connections }
}

async function proxyBefore(port: number, ends: Ends): Promise<TcpProxy> {
  const proxy = await startTcpProxy(port, undefined, { record: false })
  ends.push(() => proxy.close())
  return proxy
}

async function redisOf({ redis: wanted = {} }: WorldOptions, ends: Ends): Promise<{ redis?: RedisServer; redisProxy?: TcpProxy }> {
  if (wanted === false) return {}
  const redis = await startRedis({ ...wanted })
  ends.push(() => redis.destroy())
  return { redis, redisProxy: await proxyBefore(redis.port, ends) }
}

async function makeDatabase(serverUrl: string): Promise<void> {
  await query(serverUrl, `create role ${role} login`)
  await query(serverUrl, `create database ${role} owner ${role}`)
  const url = databaseAt(serverUrl)
  await createSchema(url, { notes, pages, cards }, trackingOf(definition))
  await query(url, 'create sequence calls')
  const rows = `(title, views) select 'title ' || id, id from generate_series(1, ${rowCount}) id`
  for (const table of ['notes', 'pages', 'cards']) await query(url, `insert into ${table} ${rows}`)
}
