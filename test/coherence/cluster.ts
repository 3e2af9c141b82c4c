// The PostgreSQL of a run: one server, or a primary with standbys that wait behind it, for runs in which it is lost.

import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresServer, startPostgres, startStandby } from '../support/postgres-server.ts'
import type { Delay } from '../support/tcp-link.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { query } from './query.ts'

const streamingDeadlineMs = 90_000

/** A commit is answered when a standby has it: what was acknowledged survives the loss of the primary, or nothing could be promised. */
const synchronous = "alter system set synchronous_standby_names = 'ANY 1 (*)'"

const asynchronous = ['alter system reset synchronous_standby_names', 'select pg_reload_conf()']

export interface Cluster {
  /** Of the primary, whichever that is, through a proxy when there are standbys; a superuser on the database `postgres`. */
  readonly url: string
  /** Standbys that are left. */
  standbys(): number
  /**
   * The primary is cut off and killed, the standby that has most is promoted, and clients find it where the old one was. The proxy sees to
   * it that nobody hears of the old one again, as whoever decides a failover has to.
   */
  failOver(): Promise<void>
  /**
   * The same, with standbys that have had nothing for `lagMs`: what was acknowledged in that time is lost.
   *
   * @param look  is given the URL of the new primary before anybody else can reach it
   */
  failOverWithLoss(lagMs: number, look: (url: string) => Promise<void>): Promise<void>
  /** Standbys hear of commits so late, and every commit is answered and visible only then; undefined: at once. */
  slowCommits(delay: Delay | undefined): void
  destroy(): Promise<void>
}

/** Whoever decides that a primary is lost has waited longer than this, and longer than any process may go on without having asked it. */
const decisionMs = 700

/** @param binaries  with `pg_basebackup` when there are to be standbys */
export async function startCluster(binaries: string, standbys: number): Promise<Cluster> {
  const first = await startPostgres(binaries)
  const clients = await startTcpProxy(first.port, undefined, { record: false })
  const replication = await startTcpProxy(first.port, undefined, { record: false })
  let primary = first
  let behind: PostgresServer[] = []

  const build = async (): Promise<void> => {
    await query(first.url, synchronous)
    for (let index = 0; index < standbys; index += 1) behind.push(await follow(binaries, first, replication.port, index))
    await query(first.url, 'select pg_reload_conf()')
    await streaming(first.url, standbys)
  }
  const cutOff = async (): Promise<void> => {
    await Promise.all([clients.refuse(), replication.refuse()])
    primary.signal('SIGKILL')
  }
  const promote = async (): Promise<void> => {
    const next = await mostAdvanced(behind)
    behind = behind.filter((server) => server !== next)
    await query(next.url, 'select pg_promote()')
    if (behind.length === 0) await query(next.url, ...asynchronous)
    await primary.destroy()
    primary = next
  }
  const open = async (): Promise<void> => {
    for (const proxy of [replication, clients]) {
      proxy.pointTo(primary.port)
      await proxy.accept()
    }
  }
  if (standbys > 0) await build()
  return {
    url: standbys === 0 ? first.url : `postgres://postgres@127.0.0.1:${clients.port}/postgres`,
    standbys: () => behind.length,
    slowCommits: (delay) => replication.delay(delay, ['from server']),
    async failOver() {
      await cutOff()
      await promote()
      await open()
    },
    async failOverWithLoss(lagMs, look) {
      await query(primary.url, ...asynchronous)
      replication.freeze()
      await sleep(lagMs)
      await cutOff()
      replication.thaw()
      await Promise.all([promote(), sleep(decisionMs)])
      await look(primary.url)
      await open()
    },
    async destroy() {
      await Promise.all([clients.close(), replication.close()])
      await Promise.all([primary, ...behind].map((server) => server.destroy()))
    },
  }
}

function follow(binaries: string, primary: PostgresServer, port: number, index: number): Promise<PostgresServer> {
  return startStandby(binaries, primary, {
    primary_conninfo: `host=127.0.0.1 port=${port} user=postgres application_name=standby${index}`,
    wal_retrieve_retry_interval: '100ms',
  })
}

async function streaming(url: string, standbys: number): Promise<void> {
  const deadline = Date.now() + streamingDeadlineMs
  for (;;) {
    const [row] = await query<{ count: number }>(url, "select count(*)::int as count from pg_stat_replication where sync_state = 'quorum'")
    if (row?.count === standbys) return
    if (Date.now() > deadline) throw new Error(`After ${streamingDeadlineMs} ms ${row?.count} of ${standbys} standbys stream.`)
    await sleep(50)
  }
}

async function mostAdvanced(servers: readonly PostgresServer[]): Promise<PostgresServer> {
  const received = await Promise.all(
    servers.map(async (server) => {
      const [row] = await query<{ bytes: string }>(server.url, "select pg_last_wal_receive_lsn() - '0/0'::pg_lsn as bytes")
      return { server, bytes: BigInt(row?.bytes ?? 0) }
    }),
  )
  const [first] = received.toSorted((a, b) => (a.bytes < b.bytes ? 1 : -1))
  if (first === undefined) throw new Error('There is no standby left to promote.')
  return first.server
}
