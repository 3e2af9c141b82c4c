// Several Redis servers that belong together: a cluster, and a master with replicas that sentinels watch.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { askOnce } from '../../src/redis/connection.ts'
import { freePort } from './postgres-server.ts'
import { redisServer, until } from './redis.ts'
import type { RedisServer } from './redis-server.ts'
import { removeFolder, temporaryFolder } from './temporary.ts'

/** How long a server is silent before the others agree that it is gone. */
const goneMs = '1000'

export interface RedisCluster {
  /** Three masters, then a replica of the first. */
  readonly servers: readonly RedisServer[]
  readonly url: string
}

/** A cluster of three masters with a third of the slots each. It ends with the test. */
export async function redisCluster({ replica = false } = {}): Promise<RedisCluster> {
  const servers: RedisServer[] = []
  for (let number = 0; number < (replica ? 4 : 3); number += 1) servers.push(await clusterNode())
  const [first, ...others] = servers
  if (first === undefined) throw new Error('A cluster has a first node.')
  await Promise.all(
    [
      [0, 5460],
      [5461, 10_922],
      [10_923, 16_383],
    ].map(([from, to], number) => servers[number]?.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))),
  )
  const bus = (await tell(first.port, 'CONFIG', 'GET', 'cluster-port')).split(',')[1] ?? ''
  for (const node of others) await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first.port), bus)
  await until(async () => (await Promise.all(servers.map(knownNodes))).every((known) => known === servers.length), 20_000)
  if (replica) await servers[3]?.command('CLUSTER', 'REPLICATE', await tell(first.port, 'CLUSTER', 'MYID'))
  await until(async () => (await Promise.all(servers.map(isWhole))).every(Boolean), 20_000)
  if (replica) await until(async () => (await tell(first.port, 'INFO', 'replication')).includes('connected_slaves:1'), 20_000)
  return {
    servers,
    url: `redis+cluster://${servers
      .slice(0, 3)
      .map(({ port }) => `127.0.0.1:${port}`)
      .join(',')}`,
  }
}

/** By itself the bus has the port 10000 higher, which need not be one. */
async function clusterNode(): Promise<RedisServer> {
  return redisServer({ 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()), 'cluster-node-timeout': goneMs })
}

async function knownNodes({ port }: RedisServer): Promise<number> {
  return Number(/cluster_known_nodes:(\d+)/.exec(await tell(port, 'CLUSTER', 'INFO'))?.[1])
}

async function isWhole({ port }: RedisServer): Promise<boolean> {
  return (await tell(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok')
}

/** What a command answers, as text. */
export async function tell(port: number, ...command: string[]): Promise<string> {
  const target = { host: '127.0.0.1', port, tls: false, database: 0 }
  return String(await askOnce(target, AbortSignal.timeout(5_000), command))
}

export interface SentinelGroup {
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly url: string
  /** Makes the replica the master, though the master is well. */
  failOver(): Promise<void>
}

/** A master, a replica and one sentinel, whose word is enough. They end with the test. */
export async function redisSentinels(): Promise<SentinelGroup> {
  const master = await redisServer({ 'repl-diskless-sync-delay': '0' })
  const replica = await redisServer({ replicaof: `127.0.0.1 ${master.port}`, 'repl-diskless-sync-delay': '0' })
  await until(async () => (await tell(replica.port, 'INFO', 'replication')).includes('master_link_status:up'), 20_000)
  const port = await startSentinel(master)
  await until(async () => (await tell(port, 'SENTINEL', 'MASTER', 'main').catch(() => '')).includes('num-slaves,1'), 20_000)
  return {
    master,
    replica,
    url: `redis+sentinel://127.0.0.1:${port}/main`,
    failOver: async () => void (await tell(port, 'SENTINEL', 'FAILOVER', 'main')),
  }
}

async function startSentinel(master: RedisServer): Promise<number> {
  const folder = temporaryFolder('sentinel')
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor main 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds main ${goneMs}`,
    'sentinel failover-timeout main 3000',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const sentinel = spawn('redis-server', [file, '--sentinel'], { cwd: folder, stdio: 'ignore' })
  onTestFinished(async () => {
    await kill(sentinel)
    removeFolder(folder)
  })
  return port
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.kill('SIGKILL')
  await exited
}
