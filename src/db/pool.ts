// The pool: connections for writes, transactions and slow reads, with a waiting line that has an end.

import { Pool, type ClientConfig, type PoolClient } from 'pg'
import { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { checkServerVersion, VersionedClient } from './connect.ts'
import { dbErrors, retryLater } from './errors.ts'
import { isConnectionError, isUseless, pgProblemOf, toAppError } from './pg-errors.ts'
import type { Watchdog } from './watchdog.ts'

/** Waiting statements for each connection before newcomers are turned away: about 50 ms of waiting with 2 ms statements. */
const waitersPerConnection = 32

export interface PoolOptions {
  readonly connection: ClientConfig
  readonly size: number
  readonly watchdog: Watchdog
  readonly log: Logger
}

export class ConnectionPool {
  readonly pg: Pool
  serverVersion: string | undefined
  readonly #size: number
  readonly #watchdog: Watchdog

  constructor(options: PoolOptions) {
    this.#size = options.size
    this.#watchdog = options.watchdog
    this.pg = new Pool({
      ...options.connection,
      max: options.size,
      Client: VersionedClient,
      verify: (client, done) => done(this.#refuseOldServer(client)),
    })
    this.pg.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'))
  }

  /**
   * Takes a connection, for a transaction. Give it back with `release`.
   *
   * @throws AppError `DB_OVERLOADED`, `DB_UNAVAILABLE`
   */
  async take(): Promise<PoolClient> {
    this.#watchdog.check()
    if (this.pg.waitingCount >= this.#size * waitersPerConnection) throw retryLater(dbErrors.OVERLOADED())
    try {
      const client = await this.pg.connect()
      client.on('error', ignoreError)
      return client
    } catch (error) {
      throw connectError(error)
    }
  }

  /** Gives a connection back; one that is broken or holds stale plans is closed and replaced by the next `take`. */
  release(client: PoolClient, { broken = false } = {}): void {
    client.off('error', ignoreError)
    client.release(broken)
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

  counts(): { size: number; idle: number; waiting: number } {
    return { size: this.pg.totalCount, idle: this.pg.idleCount, waiting: this.pg.waitingCount }
  }

  close(): Promise<void> {
    return this.pg.end()
  }

  #refuseOldServer(client: PoolClient): Error | undefined {
    if (!(client instanceof VersionedClient) || client.serverVersion === undefined) return undefined
    this.serverVersion = client.serverVersion
    try {
      checkServerVersion(client.serverVersion)
    } catch (error) {
      return error as AppError
    }
    return undefined
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
