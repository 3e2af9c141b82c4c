// What happens to PostgreSQL, or to the way there.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { signalAll } from '../../support/database.ts'
import { connectTo, databaseAt } from '../support/database.ts'
import type { World } from '../support/world.ts'
import {
  answeredLate,
  either,
  type FailureMode,
  outcomes,
  refused,
  refusedWithin,
  stillWithoutDatabase,
  withoutDatabase,
  writesOnly,
} from './failure-mode.ts'

const lost = { log: /^(?:a read connection was lost|an idle database connection was lost)$/, logText: '`a read connection was lost`' }
const silent = {
  log: /^the database does not answer; requests are refused until it does$/,
  logText: '`the database does not answer; requests are refused until it does`, and `the database answers again`',
}
const away = { checks: { database: { ok: false, required: true } } }
const soon = 'within 2 s after it accepts connections'
const later = stillWithoutDatabase

const waitedFor = { text: '503 after `DB_LOCK_TIMEOUT`', statuses: [503], withinMs: 2_000 }
/** Reads are pipelined. */
const waitedForInTurn = {
  text: '503 after `DB_LOCK_TIMEOUT`; reads on one connection wait one after the other',
  statuses: [503],
  withinMs: 4_000,
}

/** What goes on until the fault is healed. */
const sessions = new WeakMap<World, Client>()
const timers = new WeakMap<World, NodeJS.Timeout>()

/** Somebody else's session, which stays open. */
async function openSession(world: World, sql: string): Promise<void> {
  const client = await connectTo(databaseAt(world.postgres.url, world.postgres.port, 'postgres'))
  await client.query(sql)
  sessions.set(world, client)
}

const endSessions = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'chaos'`
/** Until a process has heard that its sessions ended. Who asked it before had a statement under way, of which nobody knows whether it was done. */
const heardMs = 100

export const postgresModes: readonly FailureMode[] = [
  {
    fault: 'PostgreSQL is stopped',
    inject: ({ postgres }) => postgres.stop(),
    first: withoutDatabase(refused),
    later,
    shows: away,
    ...lost,
    heal: ({ postgres }) => postgres.start(),
    recovery: soon,
  },
  {
    fault: 'PostgreSQL is killed (`kill -9`)',
    async inject({ postgres }) {
      signalAll(postgres, 'SIGKILL')
      await postgres.stop()
    },
    first: withoutDatabase(refused),
    later,
    shows: away,
    ...lost,
    heal: ({ postgres }) => postgres.start(),
    recovery: soon,
  },
  {
    fault: 'PostgreSQL is frozen, or its machine is',
    inject: ({ postgres }) => signalAll(postgres, 'SIGSTOP'),
    first: withoutDatabase(refusedWithin(3)),
    later,
    shows: away,
    ...silent,
    heal: ({ postgres }) => signalAll(postgres, 'SIGCONT'),
    recovery: 'within 2 s; a look every 200 ms',
  },
  {
    fault: 'The network to PostgreSQL swallows everything',
    inject: ({ proxy }) => proxy.freeze(['from server', 'from client']),
    first: withoutDatabase(refusedWithin(3)),
    later,
    shows: away,
    ...silent,
    heal: ({ proxy }) => proxy.thaw(),
    recovery: 'within 2 s; a look every 200 ms',
  },
  {
    fault: 'The network to PostgreSQL is late by 300 ms, more or less by 100',
    inject: ({ proxy }) => proxy.delay({ ms: 150, jitterMs: 50 }),
    first: outcomes(answeredLate('as always, later by as much for each round trip', 4_000)),
    heal: ({ proxy }) => proxy.delay(undefined),
    recovery: 'at once',
  },
  {
    fault: 'Every connection to PostgreSQL is reset, again and again',
    inject(world) {
      timers.set(
        world,
        setInterval(() => world.proxy.cut(), 20),
      )
    },
    first: outcomes(either, { ready: either }),
    ...lost,
    heal: (world) => clearInterval(timers.get(world)),
    recovery: 'at once; a read whose connection had been idle is sent again by itself',
  },
  {
    fault: 'PostgreSQL has no connection left for a process that has none',
    async inject({ sql }) {
      await sql('alter role chaos connection limit 0')
      await sql(endSessions)
    },
    first: withoutDatabase(refused),
    later,
    shows: away,
    log: /^a read connection was lost$/,
    logText: '`a read connection was lost`, with `too many connections`',
    async heal({ sql }) {
      await sql('alter role chaos connection limit -1')
    },
    recovery: 'within 2 s after there is one',
  },
  {
    fault: 'PostgreSQL gives the application a single connection',
    world: { redis: false },
    async inject({ sql }) {
      await sql('alter role chaos connection limit 1')
      await sql(endSessions)
      await sleep(heardMs)
    },
    first: outcomes(answeredLate('as always; they wait for each other', 3_000)),
    log: /^(?:a read connection was lost|an idle database connection was lost)$/,
    logText: '`a read connection was lost`, with `too many connections for role`',
    async heal({ sql }) {
      await sql('alter role chaos connection limit -1')
    },
    recovery: 'within 1 s',
  },
  {
    fault: 'PostgreSQL takes no changes: it is read only, or a standby',
    async inject({ sql }) {
      await sql('alter system set default_transaction_read_only = on')
      await sql('select pg_reload_conf()')
    },
    first: writesOnly(refused),
    log: /^request failed$/,
    logText: '`request failed`, `DB_READ_ONLY`',
    async heal({ sql }) {
      await sql('alter system reset default_transaction_read_only')
      await sql('select pg_reload_conf()')
    },
    recovery: 'within 1 s; connections are made anew meanwhile, so that a new primary behind the same name is found',
  },
  {
    fault: 'PostgreSQL fails over to a standby behind the same address',
    world: { standby: true, settings: { DATABASE_REPLICA_URLS: '' } },
    async inject({ postgres }) {
      signalAll(postgres, 'SIGKILL')
      await postgres.stop()
    },
    first: withoutDatabase(refused),
    later,
    shows: away,
    ...lost,
    async heal({ standby, proxy }) {
      if (standby === undefined) throw new Error('There is no standby.')
      proxy.pointTo(standby.port)
      const client = await connectTo(standby.url)
      await client.query('select pg_promote()')
      await client.end()
    },
    recovery: 'within 2 s after the promotion',
  },
  {
    fault: 'Somebody holds a lock on the tables, for a migration by hand for example',
    world: { settings: { DB_LOCK_TIMEOUT: '500ms' } },
    inject: (world) => openSession(world, 'begin; lock table notes, pages, cards in access exclusive mode'),
    first: outcomes(waitedFor, {
      read: waitedForInTurn,
      verifiedRead: { text: 'from the cache; what is not there: 503 as other reads', statuses: [200, 503], withinMs: 4_000 },
      fencedRead: { text: 'from the cache; what is not there: 503 as other reads', statuses: [200, 503], withinMs: 4_000 },
      ready: { text: '200, or 503 when all read connections wait', statuses: [200, 503], withinMs: 1_500 },
    }),
    log: /^request failed$/,
    logText: '`request failed`, `DB_LOCKED`',
    heal: (world) => sessions.get(world)?.end(),
    recovery: 'at once when the lock is given up',
  },
  {
    fault: 'A statement takes longer than `DB_STATEMENT_TIMEOUT`',
    world: { settings: { DB_STATEMENT_TIMEOUT: '500ms' } },
    async inject({ sql }) {
      await sql(`create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(30); return new; end'`)
      for (const table of ['notes', 'pages', 'cards'])
        await sql(`create trigger slow before insert or update on ${table} for each row execute function slow()`)
    },
    first: writesOnly(refusedWithin(2)),
    log: /^request failed$/,
    logText: '`request failed`, `DB_TIMEOUT`',
    async heal({ sql }) {
      await sql('drop function slow() cascade')
    },
    recovery: 'at once',
  },
]
