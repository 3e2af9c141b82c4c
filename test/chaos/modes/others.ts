// Replicas, disks, clients, and the process itself.

import { connect, type Socket } from 'node:net'
import { signalAll } from '../../support/database.ts'
import { query } from '../support/database.ts'
import { fill, whyNoVolume } from '../support/volume.ts'
import type { World } from '../support/world.ts'
import { answered, answeredLate, type FailureMode, outcomes, refused, writesOnly } from './failure-mode.ts'

function standbyOf({ standby }: World): NonNullable<World['standby']> {
  if (standby === undefined) throw new Error('There is no standby.')
  return standby
}

const passedOver = { checks: { database: { ok: true, reads: { replicas: [{ ok: false }] } } } }
const notUsed = {
  log: /^a replica is not used: reads go to the others and to the primary$/,
  logText: '`a replica is not used`, and `a replica is used again`',
}
const replica = { world: { standby: true }, shows: passedOver, ...notUsed } as const

export const replicaModes: readonly FailureMode[] = [
  {
    ...replica,
    fault: 'A replica is down',
    inject: (world) => standbyOf(world).stop(),
    first: outcomes(answered),
    heal: (world) => standbyOf(world).start(),
    recovery: 'used again within 1 s',
  },
  {
    ...replica,
    fault: 'A replica is frozen',
    inject: (world) => signalAll(standbyOf(world), 'SIGSTOP'),
    first: outcomes(answered, { read: answeredLate('as always; the first ones wait up to 1 s', 2_000) }),
    heal: (world) => signalAll(standbyOf(world), 'SIGCONT'),
    recovery: 'used again within 1 s',
  },
  {
    ...replica,
    fault: 'A replica falls behind, or its replay is paused',
    world: { standby: true, settings: { DB_REPLICA_MAX_LAG: '500ms' } },
    async inject(world) {
      await query(standbyOf(world).url, 'select pg_wal_replay_pause()')
      await world.sql(`update notes set views = views + 1 where id = 2`)
    },
    first: outcomes(answered),
    async heal(world) {
      await query(standbyOf(world).url, 'select pg_wal_replay_resume()')
    },
    recovery: 'used again within 1 s after it has caught up; meanwhile nobody reads less than he has written',
  },
]

/** Tables have room in files of their own, which they got when there was space. */
async function useUp({ sql }: World, table: string): Promise<void> {
  const title = `(select string_agg(md5(random()::text), '') from generate_series(1, 125))`
  const insert = `set plinth.fenced = 'on'; insert into ${table} (title) values (${title})`
  for (let count = 0; count < mostRows; count += 1) {
    const error = await sql(insert).catch((reason: unknown) => reason)
    if (error instanceof Error && error.message.includes('No space left')) return
  }
  throw new Error(`${table} takes more and more.`)
}

const mostRows = 1_000

export const diskModes: readonly FailureMode[] = [
  {
    fault: "The disk with PostgreSQL's data is full",
    skip: whyNoVolume,
    world: { smallVolume: true },
    async inject(world) {
      fill(world.postgres.dataDirectory)
      for (const table of ['notes', 'pages', 'cards']) await useUp(world, table)
    },
    first: writesOnly(refused),
    log: /^request failed$/,
    logText: '`request failed`, `DB_UNAVAILABLE`, with `No space left on device`',
    heal: ({ postgres }) => fill(postgres.dataDirectory, false),
    recovery: 'at once when there is space',
  },
]

/** What goes on until the fault is healed. */
const held = new WeakMap<World, { end(): void }>()

export const processModes: readonly FailureMode[] = [
  {
    fault: 'More requests at once than `IN_FLIGHT_LIMIT`',
    world: { redis: false, settings: { IN_FLIGHT_LIMIT: '40' } },
    async inject(world) {
      const sockets: Socket[] = []
      held.set(world, { end: () => sockets.forEach((socket) => socket.destroy()) })
      while ((await inFlight(world)) <= 40) sockets.push(clientOf(world.app.port, 'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n'))
    },
    first: outcomes(refused),
    log: /^too many requests at once: the surplus is refused$/,
    logText: '`too many requests at once: the surplus is refused`, and `no request is refused any more`',
    heal: (world) => held.get(world)?.end(),
    recovery: 'at once when others are answered',
  },
  {
    fault: 'Hundreds of clients send a request slowly and never finish it',
    world: { redis: false, settings: { IN_FLIGHT_LIMIT: '50', REQUEST_TIMEOUT: '2s', HEADERS_TIMEOUT: '2s' } },
    inject(world) {
      const sockets = Array.from({ length: 300 }, (_, index) => slowClient(world.app.port, index % 2 === 0))
      held.set(world, { end: () => sockets.forEach((socket) => socket.destroy()) })
    },
    first: outcomes(answered),
    heal: (world) => held.get(world)?.end(),
    recovery: 'their connections are closed with 408 after `HEADERS_TIMEOUT` or `REQUEST_TIMEOUT`',
  },
]

function slowClient(port: number, inHeaders: boolean): Socket {
  const head = 'POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
  return clientOf(port, inHeaders ? head : `${head}Content-Length: 1000\r\n\r\n{"title":`)
}

function clientOf(port: number, sends: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(sends)
  return socket
}

/** The question itself is one of them. */
async function inFlight({ app }: World): Promise<number> {
  const details = (await app.send({ path: '/health/details' })).json() as { requestsInFlight: number }
  return details.requestsInFlight
}

export const otherModes: readonly FailureMode[] = [...replicaModes, ...diskModes, ...processModes]
