// A `Database` for one test, closed when the test ends; and a server whose processes can all be frozen.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createDatabase, type CreateDatabaseConfig } from '../../src/db/create-database.ts'
import type { Database } from '../../src/db/database.ts'
import type { PostgresServer } from './postgres-server.ts'
import { scratchDatabase } from './postgres.ts'

const defaults: Omit<CreateDatabaseConfig, 'url'> = {
  root: '/nonexistent',
  env: 'testing',
  replicaUrls: [],
  replicaMaxLagMs: 5_000,
  poolSize: 4,
  readerConnections: 2,
  reader: 'thin',
  connectTimeoutMs: 1_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 2_000,
  idleInTransactionTimeoutMs: 10_000,
  migrationLockTimeoutMs: 5_000,
}

/** Connects to an existing database; without a URL to the embedded one of `config.root`. */
export async function openDatabase(
  url: string | undefined,
  config: Partial<CreateDatabaseConfig> = {},
  metrics = createMetrics(),
): Promise<Database> {
  const database = await connectDatabase(url, config, metrics)
  onTestFinished(() => database.close())
  return database
}

/** The same for several tests: whoever opens it closes it. */
export function connectDatabase(
  url: string | undefined,
  config: Partial<CreateDatabaseConfig> = {},
  metrics = createMetrics(),
): Promise<Database> {
  return createDatabase({ ...defaults, ...config, ...(url === undefined ? {} : { url }) }, silentLog(), metrics)
}

/** Connects to an empty database of its own on the server, and runs `sql` there. */
export async function freshDatabase(serverUrl: string, sql = '', config: Partial<CreateDatabaseConfig> = {}): Promise<Database> {
  const scratch = await scratchDatabase(serverUrl)
  onTestFinished(() => scratch.drop())
  const database = await openDatabase(scratch.url, config)
  if (sql !== '') await database.query(sql)
  return database
}

/** Sends a signal to the postmaster and to every backend, as an operator's `kill -STOP` or a frozen virtual machine would. */
export function signalAll(server: PostgresServer, signal: NodeJS.Signals): void {
  const postmaster = postmasterOf(server)
  process.kill(postmaster, signal)
  if (signal === 'SIGSTOP') return stopChildren(postmaster)
  for (const pid of childrenOf(postmaster)) if (isAlive(pid)) process.kill(pid, signal)
}

/** Again until all stand still: what the postmaster was forking when its signal came would run on, and a signal takes a moment. */
function stopChildren(postmaster: number): void {
  const runs = (pid: number): boolean => isAlive(pid) && statusOf(pid)?.[0] !== 'T'
  for (let running = [postmaster]; running.length > 0; running = [postmaster, ...childrenOf(postmaster)].filter(runs))
    for (const pid of running) process.kill(pid, 'SIGSTOP')
}

/** What each process that the postmaster has started is doing, in the letters of /proc: `T` stopped, `S` asleep, `Z` ended. */
export function backendStates(server: PostgresServer): string[] {
  return childrenOf(postmasterOf(server)).map((pid) => statusOf(pid)?.[0] ?? 'Z')
}

function postmasterOf(server: PostgresServer): number {
  return Number.parseInt(readFileSync(join(server.dataDirectory, 'postmaster.pid'), 'utf8'), 10)
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.filter((pid) => Number(statusOf(pid)?.[1]) === parent)
}

function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(statusOf(pid)?.[0])
}

/** Fields of /proc/<pid>/stat after the name in parentheses: state, parent, …; undefined for one that ended between the listing and the look. */
function statusOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')
  } catch {
    return undefined
  }
}
