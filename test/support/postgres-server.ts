// A throw-away PostgreSQL server on a free loopback port, for tests and benches. Its data is not safe and not kept.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { postgresMajor } from './binaries.ts'
import { serverUser } from './server-user.ts'
import { abandonedFolders, readNumber, removeFolder, temporaryFolder } from './temporary.ts'

const startDeadlineMs = 30_000
const stopDeadlineMs = 10_000

/** A test server that loses power has nothing to lose. `synchronous_commit` stays on: tests kill servers and look what is left. */
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum_naptime: '1h',
}

export interface PostgresServer {
  /** Major version. */
  readonly major: number
  readonly port: number
  /** Database `postgres` as superuser `postgres`, no password. */
  readonly url: string
  /** Folder of the cluster; `pg_hba.conf` and certificates may be put there before a restart. */
  readonly dataDirectory: string
  /** The server's output so far. */
  log(): string
  /** Sends a signal to the postmaster: SIGKILL, SIGSTOP, SIGHUP … */
  signal(signal: NodeJS.Signals): void
  /** Ends the server and keeps its data and port, so that `start` brings it back. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Ends the server and removes its data. */
  destroy(): Promise<void>
}

/**
 * Makes a cluster in a temporary folder and starts it; as root the server runs as `nobody`.
 *
 * @param binaries  folder with `initdb` and `postgres`
 * @param extra     settings for `postgres -c`, over the defaults
 * @param place     where its data is
 * @throws          Error with the server's output when it does not accept connections within 30 s
 */
export async function startPostgres(binaries: string, extra: Record<string, string> = {}, place: Place = {}): Promise<PostgresServer> {
  return serve(binaries, (folder) => initialise(binaries, folder, place.data), extra, place)
}

interface Place {
  /** Empty folder for the data, such as a small volume; the log of writes stays outside of it. */
  readonly data?: string
  /** Where the folder of the server is made. */
  readonly parent?: string | undefined
}

/**
 * A standby that streams from `primary`: a copy of it by `pg_basebackup`, which must be among the binaries. It answers reads; `promote`
 * (`select pg_promote()`) makes it a primary of its own.
 */
export async function startStandby(binaries: string, primary: PostgresServer, extra: Record<string, string> = {}): Promise<PostgresServer> {
  return serve(binaries, (folder) => copyOf(primary, binaries, folder), extra)
}

async function serve(
  binaries: string,
  fill: (folder: string) => void,
  extra: Record<string, string>,
  { data, parent }: Place = {},
): Promise<PostgresServer> {
  const folder = makeFolder(parent)
  const dataDirectory = data ?? join(folder, 'data')
  fill(folder)
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const logFile = join(folder, 'log')
  const log = (): string => readFileSync(logFile, 'utf8')
  let postmaster: ChildProcess | undefined

  const start = async (): Promise<void> => {
    postmaster = launch(binaries, folder, dataDirectory, { ...settings, ...extra, port: String(port) })
    await ready(url, postmaster, log)
  }
  const stop = async (): Promise<void> => {
    if (postmaster !== undefined) await quit(postmaster)
  }
  const destroy = async (): Promise<void> => {
    await stop()
    removeFolder(folder)
  }
  await start()
  const signal = (name: NodeJS.Signals): void => void postmaster?.kill(name)
  return { major: postgresMajor(binaries) ?? 0, port, url, dataDirectory, log, signal, stop, start, destroy }
}

function makeFolder(parent?: string): string {
  const folder = temporaryFolder('postgres', parent)
  const { uid, gid } = serverUser()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

function initialise(binaries: string, folder: string, data: string | undefined): void {
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8'
  const options = ['--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', `--locale=${locale}`]
  const places = data === undefined ? ['-D', join(folder, 'data')] : ['-D', data, `--waldir=${join(folder, 'wal')}`]
  runAsServer(join(binaries, 'initdb'), [...places, ...options], folder)
}

function copyOf({ url }: PostgresServer, binaries: string, folder: string): void {
  const options = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync']
  runAsServer(join(binaries, 'pg_basebackup'), ['-d', url, '-D', join(folder, 'data'), ...options], folder)
}

function runAsServer(program: string, args: readonly string[], folder: string): void {
  const run = spawnSync(program, args, { ...serverUser(), cwd: folder, encoding: 'utf8', timeout: startDeadlineMs })
  if (run.status !== 0) throw new Error(`${program} failed: ${run.error?.message ?? ''}\n${run.stdout}\n${run.stderr}`)
}

function launch(binaries: string, folder: string, data: string, options: Record<string, string>): ChildProcess {
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = openSync(join(folder, 'log'), 'a')
  const postmaster = spawn(join(binaries, 'postgres'), ['-D', data, ...flags], {
    ...serverUser(),
    cwd: folder,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return postmaster
}

async function ready(url: string, postmaster: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + startDeadlineMs
  while (!(await accepts(url))) {
    if (postmaster.exitCode !== null) throw new Error(`postgres ended with code ${postmaster.exitCode}:\n${log()}`)
    if (Date.now() > deadline) throw new Error(`postgres accepted no connection within ${startDeadlineMs} ms:\n${log()}`)
    await sleep(20)
  }
}

async function accepts(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined) // a server that is still starting hangs up; `connect` has said so already
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}

/** SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, sessions are cut. */
async function quit(postmaster: ChildProcess): Promise<void> {
  if (postmaster.exitCode !== null || postmaster.signalCode !== null) return
  const exited = once(postmaster, 'exit')
  postmaster.kill('SIGCONT')
  postmaster.kill('SIGQUIT')
  const timer = setTimeout(() => postmaster.kill('SIGKILL'), stopDeadlineMs)
  await exited
  clearTimeout(timer)
}

/** A TCP port on 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}

/** Ends the servers of test runs that were killed before they could do it themselves, and removes their folders. */
export async function sweepServers(): Promise<void> {
  await Promise.all(abandonedFolders().map(sweep))
}

async function sweep(folder: string): Promise<void> {
  const redis = readNumber(join(folder, 'pid'))
  if (redis !== undefined && servesFolder(redis, folder)) process.kill(redis, 'SIGKILL')
  const postmaster = readNumber(join(folder, 'data', 'postmaster.pid'))
  if (postmaster !== undefined && servesFolder(postmaster, folder)) {
    process.kill(postmaster, 'SIGQUIT')
    for (const deadline = Date.now() + stopDeadlineMs; servesFolder(postmaster, folder) && Date.now() < deadline;) await sleep(20)
  }
  removeFolder(folder)
}

/** A process id may have been given to somebody else since; the command line tells (Linux; elsewhere nothing is ended). */
function servesFolder(pid: number, folder: string): boolean {
  const file = `/proc/${pid}/cmdline`
  return existsSync(file) && readFileSync(file, 'utf8').includes(folder)
}
