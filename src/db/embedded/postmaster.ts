// The server process: what `postmaster.pid` says of it, starting it, ending it. The same file is PostgreSQL's own lock,
// so that two processes that start at once cannot both serve the data.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedErrors } from './errors.ts'
import { reasonOf, type Home } from './home.ts'
import { cleanEnvironment } from './run.ts'

/**
 * Settings on the command line, where they win over `postgresql.conf`. What makes data safe (fsync, full_page_writes,
 * synchronous_commit) stays as PostgreSQL has it: on. The rest keeps a development machine free: little memory and WAL.
 */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  cluster_name: 'plinth',
  max_connections: '200',
  shared_buffers: '64MB',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
}

const logLimitBytes = 10 * 1024 * 1024

export interface Postmaster {
  readonly pid: number
  readonly port: number
}

/** The running server of this cluster, as far as the file and the process table tell; it may still be starting or stopping. */
export function runningPostmaster(home: Home): Postmaster | undefined {
  const recorded = readPidFile(home)
  if (recorded === undefined || !isAlive(recorded.pid)) return undefined
  if (serves(recorded.pid, home)) return recorded
  removeStalePidFile(home, recorded)
  return undefined
}

/** Lines of the file: process id, data directory, start time, port, … */
function readPidFile({ data }: Home): Postmaster | undefined {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return undefined
  const [pid = NaN, , , port = NaN] = readFileSync(file, 'utf8').split('\n').map(Number)
  return Number.isInteger(pid) && Number.isInteger(port) ? { pid, port } : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Ended, but its parent has not taken notice: for ever, in a container whose first process does not care for orphans. */
function isZombie(pid: number): boolean {
  const file = `/proc/${pid}/stat`
  return existsSync(file) && readFileSync(file, 'utf8').includes(') Z ')
}

/** After a reboot, and soon in a container, the process id belongs to somebody else. In doubt it is the server. */
function serves(pid: number, { data }: Home): boolean {
  const command = commandLine(pid)
  return command === undefined || command.includes(data)
}

function commandLine(pid: number): string | undefined {
  if (process.platform === 'linux') return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : undefined
  const { status, stdout } = spawnSync('/bin/ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}

/** PostgreSQL refuses to start while the process of its old file lives, and cannot know that it is another program. */
function removeStalePidFile(home: Home, stale: Postmaster): void {
  if (readPidFile(home)?.pid === stale.pid) rmSync(join(home.data, 'postmaster.pid'), { force: true })
}

/** A server process that was started and has perhaps ended again. */
export interface Launch {
  readonly pid: number
  /** Undefined while it runs; then PostgreSQL's last words. */
  failure(): string | undefined
}

/**
 * Starts the server and returns at once. It has a session of its own, so that Ctrl-C in the terminal does not reach it
 * before the application has finished, and it survives us: the next start finds it running.
 *
 * @throws AppError `EMBEDDED_FAILED` when the operating system does not start it
 */
export async function launch(home: Home, binaries: string, port: number): Promise<Launch> {
  rotateLog(home)
  const log = openSync(home.log, 'a')
  const logStart = fstatSync(log).size
  try {
    const child = await started(spawnServer(home, binaries, port, log))
    return { pid: child.pid, failure: () => (child.hasEnded() ? lastWords(home, child.pid, logStart) : undefined) }
  } catch (error) {
    throw embeddedErrors.FAILED('postgres', reasonOf(error)).with({ cause: error })
  } finally {
    closeSync(log)
  }
}

function spawnServer(home: Home, binaries: string, port: number, log: number): ChildProcess {
  const options = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(join(binaries, 'postgres'), ['-D', home.data, ...options], {
    ...home.user,
    cwd: '/',
    env: { ...cleanEnvironment },
    detached: true,
    stdio: ['ignore', log, log],
  })
}

async function started(child: ChildProcess): Promise<{ pid: number; hasEnded: () => boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve).once('error', reject)
  await promise
  child.unref()
  return { pid: child.pid ?? NaN, hasEnded: () => child.exitCode !== null || child.signalCode !== null }
}

function rotateLog({ log }: Home): void {
  if (existsSync(log) && statSync(log).size > logLimitBytes) renameSync(log, `${log}.1`)
}

/** The FATAL line that this process wrote; another start may be writing to the same file. */
function lastWords(home: Home, pid: number, from: number): string {
  const lines = readFrom(home.log, from).split('\n')
  const fatal = lines.findLast((line) => line.includes(`[${pid}] FATAL`) || line.includes(`[${pid}] PANIC`))
  return (fatal ?? lines.findLast((line) => line !== '') ?? 'no reason given').replace(/^.*?\] /, '')
}

function readFrom(file: string, from: number): string {
  const descriptor = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - from))
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, from))
  } finally {
    closeSync(descriptor)
  }
}

/** PostgreSQL's fast shutdown: sessions are ended, a checkpoint is written. False when it is still there after the time. */
export async function shutDown(pid: number, timeoutMs: number): Promise<boolean> {
  process.kill(pid, 'SIGINT')
  for (const deadline = Date.now() + timeoutMs; isAlive(pid); await sleep(10)) {
    if (Date.now() > deadline) return false
  }
  return true
}
