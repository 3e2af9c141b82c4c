// The pool: connections for writes, transactions and slow reads, with a waiting line that has an end.

import { setTimeout as sleep } from 'node:timers/promises'
import { Pool, type ClientConfig, type PoolClient } from 'pg'
import { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Histogram } from '../core/metrics.ts'
import { RecentPeak } from '../support/recent-peak.ts'
import { greetAsApp } from './app-role.ts'
import { checkServerVersion, VersionedClient } from './connect.ts'
import { dbErrors, retryLater } from './errors.ts'
import { isConnectionError, isUseless, pgProblemOf, toAppError, tooManyConnections } from './pg-errors.ts'
import { asUnsent } from './unsent.ts'
import type { Watchdog } from './watchdog.ts'

/** Waiting statements for each connection before newcomers are turned away: about 50 ms of waiting with 2 ms statements. */
const waitersPerConnection = 32
/** How long the pool makes do with the connections it has after the server refused another. */
export const scarceMs = 1_000
/** Once in `scarceMs` a pool without any connection asks for room; then it tries for so long, with pauses. */
const roomMs = 800
const roomPauseMs = 40
/** The longest wait of a time between this and twice as much is told. */
const peakMs = 10_000

export interface PoolOptions {
  readonly connection: ClientConfig
  readonly size: number
  readonly watchdog: Watchdog
  readonly log: Logger
  /** Hears how long each caller waited for a connection, in seconds. */
  readonly waits: Histogram
  /** Each connection becomes one of the application's role. */
  readonly hasTenants?: boolean
}

export interface PoolCounts {
  readonly size: number
  readonly idle: number
  readonly waiting: number
  /** Longest wait for a connection in the last 10 to 20 s. */
  readonly longestWaitMs: number
}

export class ConnectionPool {
  readonly pg: Pool
  serverVersion: string | undefined
  readonly #size: number
  readonly #watchdog: Watchdog
  readonly #waits: Histogram
  readonly #longest = new RecentPeak(peakMs)
  /** Called when the server refuses this pool its only connection: somebody of ours may have one to give up. */
  makeRoom: () => void = () => undefined
  #scarceUntil = -Infinity
  #roomAt = -Infinity
  #taken = 0
  /** Connections that are older are not used again. */
  #renewedAt = -Infinity

  constructor(options: PoolOptions) {
    this.#size = options.size
    this.#watchdog = options.watchdog
    this.#waits = options.waits
    this.pg = new Pool({
      ...options.connection,
      max: options.size,
      Client: VersionedClient,
      verify: (client, settle) => void this.#meet(client, options.hasTenants ?? false).then(settle),
    })
    this.pg.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'))
  }

  /**
   * Takes a connection, for a transaction. Give it back with `release`.
   *
   * @throws AppError `DB_OVERLOADED`, `DB_UNAVAILABLE`, both unsent
   */
  async take(): Promise<PoolClient> {
    try {
      this.#watchdog.check()
      if (this.pg.waitingCount >= this.#size * waitersPerConnection) throw retryLater(dbErrors.OVERLOADED())
      const client = await this.#waitForOne()
      this.#taken += 1
      client.on('error', ignoreError)
      return client
    } catch (error) {
      throw asUnsent(connectError(error))
    }
  }

  /** Gives a connection back; one that is broken or holds stale plans is closed and replaced by the next `take`. */
  release(client: PoolClient, { broken = false } = {}): void {
    this.#taken -= 1
    client.off('error', ignoreError)
    client.release(broken || this.#isSpent(client))
  }

  /** Lets nobody else get this connection: something may be left on it. */
  spend(client: PoolClient): void {
    if (client instanceof VersionedClient) client.isSpent = true
  }

  /** Lets no connection that there is be taken again: where the address leads now they may not. */
  renew(): void {
    this.#renewedAt = performance.now()
  }

  /** Runs `work` on a connection of its own. */
  async use<result>(work: (client: PoolClient) => Promise<result>): Promise<result> {
    const client = await this.take()
    try {
      const result = await this.withDeadline(client, work(client))
      this.release(client)
      return result
    } catch (error) {
      this.release(client, { broken: isUseless(error) })
      throw error
    }
  }

  /** The answer, or `DB_TIMEOUT`, or `DB_UNAVAILABLE`; then the connection is cut, because its answer may still come. */
  withDeadline<result>(client: PoolClient, answer: Promise<result>): Promise<result> {
    return this.#watchdog.guard(answer, () => client.connection.stream.destroy())
  }

  counts(): PoolCounts {
    const { totalCount: size, idleCount: idle, waitingCount: waiting } = this.pg
    return { size, idle, waiting, longestWaitMs: Math.round(this.#longest.value(performance.now())) }
  }

  close(): Promise<void> {
    return this.pg.end()
  }

  async #waitForOne(): Promise<PoolClient> {
    const startedAt = performance.now()
    try {
      return await this.#connect()
    } finally {
      this.#waited(startedAt)
    }
  }

  async #connect(): Promise<PoolClient> {
    this.pg.options.max = performance.now() < this.#scarceUntil ? Math.max(1, this.#live) : this.#size
    try {
      const client = await this.pg.connect()
      if (!this.#isSpent(client)) return client
      client.release(true)
    } catch (error) {
      if (!this.#isScarce(error) && !(await this.#awaitRoom(error))) throw error
    }
    return this.#connect()
  }

  /** Connections that are made, not those that are being made. */
  get #live(): number {
    return this.pg.idleCount + this.#taken
  }

  /** The server gives no more connections. Where there are some, it is better to wait for one of them than to be refused. */
  #isScarce(error: unknown): boolean {
    const scarce = pgProblemOf(error)?.sqlstate === tooManyConnections && this.#live > 0
    if (scarce) this.#scarceUntil = performance.now() + scarceMs
    return scarce
  }

  /** True when another try may find a connection that was given up for us. */
  async #awaitRoom(error: unknown): Promise<boolean> {
    if (pgProblemOf(error)?.sqlstate !== tooManyConnections) return false
    const now = performance.now()
    if (now - this.#roomAt >= scarceMs) {
      this.#roomAt = now
      this.makeRoom()
    }
    if (now - this.#roomAt >= roomMs) return false
    await sleep(roomPauseMs)
    return true
  }

  #isSpent(client: PoolClient): boolean {
    return client instanceof VersionedClient && (client.isSpent || client.madeAt < this.#renewedAt)
  }

  #waited(since: number): void {
    const now = performance.now()
    this.#waits.observe((now - since) / 1_000)
    this.#longest.saw(now - since, now)
  }

  /** @returns why a new connection is not to be used: `DB_SERVER_TOO_OLD`, `DB_NO_APP_ROLE`, `DB_NOT_HELD` */
  async #meet(client: PoolClient, hasTenants: boolean): Promise<Error | undefined> {
    try {
      if (client instanceof VersionedClient && client.serverVersion !== undefined) {
        this.serverVersion = client.serverVersion
        checkServerVersion(client.serverVersion)
      }
      if (!hasTenants) return undefined
      await this.withDeadline(client, greetAsApp(client))
      this.#watchRole(client)
    } catch (error) {
      return error as Error
    }
    return undefined
  }

  /** Where the user of the configuration is a superuser, PostgreSQL says of its own accord that the connection is one again. */
  #watchRole(client: PoolClient): void {
    client.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === 'is_superuser' && status.parameterValue === 'on') this.spend(client)
    })
  }
}

// A connection in use also fails its statement, and that is where the error is dealt with.
function ignoreError(): void {}

function connectError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') return retryLater(dbErrors.OVERLOADED(), error)
  if (isConnectionError(error) || pgProblemOf(error) !== undefined) return toAppError(error)
  return retryLater(dbErrors.UNAVAILABLE(), error)
}
