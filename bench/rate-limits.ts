// What a rate limit costs a read: CPU of the application, PostgreSQL and Redis for each request, and how long it takes.
// Run by hand: node --conditions=source bench/rate-limits.ts

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { text as textOf } from 'node:stream/consumers'
import { anyone, type App, createApp, defineApp, defineResource, readConfig, type RouteRateLimit } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
import { createScratchDatabase } from '../src/db/scratch-database.ts'
import { createSchema } from '../src/testing/create-schema.ts'
import { installedPostgres } from '../test/support/binaries.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { cpuBetween, postgresCpu } from './postgres-cpu.ts'

const requests = 6_000
const rounds = 5
const connections = 20

const notes = pgTable('notes', { id: serial().primaryKey(), text: text().notNull() })
/** As many counts as there are connections. */
const byClient = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }): string => String(headers['x-client'])

interface Variant {
  readonly redis: boolean
  readonly limit?: RouteRateLimit
}

const variants: Readonly<Record<string, Variant>> = {
  'no limit': { redis: true },
  'Redis, 20 clients': { redis: true, limit: { max: 1e9, per: '1m', by: byClient } },
  'Redis, one address': { redis: true, limit: '1000000000/1m' },
  'Redis, 20 clients, two limits': {
    redis: true,
    limit: [
      { max: 1e9, per: '1m', by: byClient },
      { max: 1e9, per: '1h', by: byClient },
    ],
  },
  'Redis, refused': { redis: true, limit: '1/1d' },
  'PostgreSQL, 20 clients': { redis: false, limit: { max: 1e9, per: '1m', by: byClient } },
  'PostgreSQL, one address': { redis: false, limit: '1000000000/1m' },
  'PostgreSQL, refused': { redis: false, limit: '1/1d' },
}

if (process.argv[2] === 'client') await ask(Number(process.argv[3]))
else await compare()

/** The variants take turns, and the best round of each counts: what else the machine does hits all of them alike. */
async function compare(): Promise<void> {
  const [postgres, redis] = [await startPostgres(installedPostgres() ?? ''), await startRedis()]
  const database = await createScratchDatabase(postgres.url)
  await createSchema(database.url, { notes })
  const apps = new Map<string, App>()
  for (const [name, variant] of Object.entries(variants)) apps.set(name, await serve(database.url, redis.url, name, variant))
  await [...apps.values()][0]?.resource('notes').create({ text: 'a note' })
  const best = new Map<string, readonly number[]>()
  for (let round = 0; round < rounds; round += 1)
    for (const [name, app] of apps) best.set(name, least(best.get(name), await measure(app, postgres.dataDirectory, redis.pid)))
  console.log('us of CPU per request: application, PostgreSQL, Redis; ms until the answer: median, 99 %')
  for (const [name, numbers] of best)
    console.log(name.padEnd(32), ...numbers.map((number) => number.toFixed(number < 10 ? 2 : 0).padStart(7)))
  for (const app of apps.values()) await app.stop()
  await Promise.all([redis.destroy(), database.drop().then(() => postgres.destroy())])
}

async function serve(databaseUrl: string, redisUrl: string, name: string, { redis, limit }: Variant): Promise<App> {
  const env = {
    APP_ENV: 'testing',
    LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
    API_PORT: '0',
    ...(redis ? { REDIS_URL: redisUrl } : {}),
  }
  const resources = [defineResource(notes, { access: { read: anyone, write: anyone } })]
  const rateLimit = limit === undefined ? {} : { rateLimit: limit }
  const app = await createApp(defineApp({ name: name.replaceAll(/\W+/g, '-'), resources, ...rateLimit }), readConfig(env, tmpdir()))
  await app.start()
  return app
}

async function measure({ fastify }: App, dataDirectory: string, redisPid: number): Promise<readonly number[]> {
  const { port } = fastify.server.address() as AddressInfo
  const [own, postgres, redis] = [process.cpuUsage(), postgresCpu(dataDirectory), cpuOf(redisPid)]
  const client = spawn(process.execPath, ['--conditions=source', import.meta.filename, 'client', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await Promise.all([textOf(client.stdout), once(client, 'exit')])
  const { user, system } = process.cpuUsage(own)
  const used = [user + system, cpuBetween(postgres, postgresCpu(dataDirectory)) ?? 0, cpuOf(redisPid) - redis]
  return [...used.map((microseconds) => microseconds / requests), ...(JSON.parse(said) as number[])]
}

/** Microseconds. */
function cpuOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
}

function least(before: readonly number[] | undefined, now: readonly number[]): readonly number[] {
  return now.map((number, index) => Math.min(number, before?.[index] ?? Infinity))
}

/** The client, in a process of its own: one request after the other on each connection. */
async function ask(port: number): Promise<void> {
  const times: number[] = []
  let sent = 0
  const worker = (client: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      const get = `GET /api/notes/1 HTTP/1.1\r\nHost: a\r\nx-client: ${client}\r\n\r\n`
      let sentAt = 0
      const next = (): void => {
        if (sent >= requests) return void socket.end(resolve)
        sent += 1
        sentAt = performance.now()
        socket.write(get)
      }
      socket.setNoDelay(true).on('connect', next)
      socket.on('data', () => {
        times.push(performance.now() - sentAt)
        next()
      })
    })
  await Promise.all(Array.from({ length: connections }, (_, client) => worker(client)))
  times.sort((a, b) => a - b)
  console.log(JSON.stringify([times[Math.floor(times.length * 0.5)], times[Math.floor(times.length * 0.99)]]))
}
