// `startEmbedded`: a real PostgreSQL for a project that has none, found running or started, and stopped by its last user.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog, type Logger } from '../../core/log.ts'
import { findBinaries } from './binaries.ts'
import { clusterMajor, createCluster, readCredentials, rememberPort, superuser, type Credentials } from './cluster.ts'
import { embeddedErrors } from './errors.ts'
import { homeOf, reasonOf, type Home } from './home.ts'
import { Lease } from './lease.ts'
import { launch, runningPostmaster, shutDown, type Launch } from './postmaster.ts'

// A crash recovery reads the write-ahead log since the last checkpoint, at most 256 MB: seconds, on a slow disk many.
const startDeadlineMs = 120_000
const shutdownDeadlineMs = 15_000
const revivalPauseMs = 2_000

export interface StartEmbeddedOptions {
  /** Folder of the project. */
  readonly root: string
  readonly log?: Logger
  /** Folder with `postgres` and `initdb`, instead of those that would be found. */
  readonly binaries?: string
}

export interface EmbeddedDatabase {
  /** For the superuser, with its password: not for the log. */
  readonly url: string
  /** `18.4` */
  readonly version: string
  /** True when the server was running already. */
  readonly reused: boolean
  /** Stops the server, unless another process of the project uses it. */
  stop(): Promise<void>
}

interface Connected {
  readonly url: string
  readonly lease: Lease
  readonly reused: boolean
}

/**
 * Starts the project's embedded database, or joins the running one. While it is in use it is started again when it dies.
 *
 * @throws AppError `EMBEDDED_NO_POSTGRES`, `EMBEDDED_OTHER_VERSION`, `EMBEDDED_OTHER_OWNER`, `EMBEDDED_FILES`, `EMBEDDED_FAILED`
 */
export async function startEmbedded({ root, log = silentLog(), binaries }: StartEmbeddedOptions): Promise<EmbeddedDatabase> {
  const home = await homeOf(root)
  const keeper = new Keeper(home, binaries, log)
  const { url, lease, reused } = await keeper.start()
  log.info({ version: lease.version, reused, directory: home.directory }, 'embedded database is ready')
  return { url, version: lease.version, reused, stop: () => keeper.stop() }
}

/** Holds the lease, and brings the server back when it goes away. */
class Keeper {
  readonly #home: Home
  readonly #binaries: string | undefined
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #lease: Lease | undefined
  #revival: Promise<void> | undefined

  constructor(home: Home, binaries: string | undefined, log: Logger) {
    this.#home = home
    this.#binaries = binaries
    this.#log = log
  }

  async start(): Promise<Connected> {
    const onLost = (): void => {
      this.#revival = this.#revive()
    }
    const connected = await connect(this.#home, this.#binaries, onLost, this.#stopping.signal)
    this.#lease = connected.lease
    return connected
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#revival
    const alone = await this.#lease?.release().catch(() => false)
    const server = runningPostmaster(this.#home)
    if (alone === true && server !== undefined && !(await shutDown(server.pid, shutdownDeadlineMs)))
      this.#log.warn({ pid: server.pid }, 'the embedded database is still shutting down')
    await this.#lease?.close().catch(() => undefined)
  }

  async #revive(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.start()
        return this.#log.warn({}, 'the embedded database had ended and was started again')
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        this.#log.error({ err: error }, 'the embedded database has ended and does not start')
        await sleep(revivalPauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined)
      }
    }
  }
}

async function connect(home: Home, binaries: string | undefined, onLost: () => void, stopping: AbortSignal): Promise<Connected> {
  const deadline = Date.now() + startDeadlineMs
  let launched: Launch | undefined
  while (Date.now() < deadline) {
    stopping.throwIfAborted()
    const lease = await tryLease(home, onLost)
    if (lease !== undefined) return { ...lease, reused: launched?.pid !== lease.pid }
    const failure = launched?.failure()
    if (failure !== undefined && !isPassing(failure)) throw embeddedErrors.FAILED('postgres', failure, home.log)
    if (failure !== undefined || launched === undefined) launched = await launchUnlessRunning(home, binaries, failure)
    await sleep(15)
  }
  throw embeddedErrors.FAILED('postgres', `it accepted no connection within ${startDeadlineMs / 1000} s`, home.log)
}

/** A start that lost against another one, or against what is left of a server that was killed, or whose port was taken meanwhile. */
function isPassing(failure: string): boolean {
  return /lock file .* already exists|pre-existing shared memory|TCP\/IP socket/.test(failure)
}

async function tryLease(home: Home, onLost: () => void): Promise<{ url: string; lease: Lease; pid: number } | undefined> {
  const server = runningPostmaster(home)
  if (server === undefined) return undefined
  const credentials = await readCredentials(home)
  const url = urlOf(credentials, server.port)
  const lease = await Lease.take(url, onLost).catch(refused)
  if (lease === undefined) return undefined
  await rememberPort(home, credentials, server.port)
  return { url, lease, pid: server.pid }
}

function refused(error: unknown): never {
  throw embeddedErrors.FAILED('the running server refused the connection', reasonOf(error)).with({ cause: error })
}

function urlOf({ password }: Credentials, port: number): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
}

async function launchUnlessRunning(home: Home, directory: string | undefined, failure: string | undefined): Promise<Launch | undefined> {
  if (runningPostmaster(home) !== undefined) return undefined
  const major = await clusterMajor(home)
  const data = major === undefined ? undefined : { directory: home.data, major }
  const binaries = directory ?? (await findBinaries(home.user, data)).directory
  if (data === undefined) await createCluster(home, binaries)
  const { port } = await readCredentials(home)
  const portTaken = failure?.includes('TCP/IP') ?? false
  return launch(home, binaries, port === undefined || portTaken ? await freePort() : port)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port.')
  return address.port
}
