// The pipelined reader: many statements on a few connections, answers in order, rows as the bytes of the wire.
// Two kinds behind one contract: `thin`, our own wire code, and `pg`, stock node-postgres, to go back to by configuration.

import type { ClientConfig } from 'pg'
import type { Statement, TextRows } from '../rows.ts'
import { Dispatcher } from './dispatcher.ts'
import { openPgConnection } from './pg-connection.ts'
import { openThinConnection } from './thin-connection.ts'

export interface ReadCallOptions {
  /**
   * Aborting rejects the read at once with the signal's reason. The statement is cancelled on the server when it is the
   * one that runs there; when it still waits behind others its result is dropped.
   */
  readonly signal?: AbortSignal
  /** The tenant that the statement is held to, also when it is sent again; for readers with `hasTenants`. */
  readonly tenant?: string | undefined
}

export interface Reader {
  /**
   * Runs one statement that changes nothing (it may be run a second time when the first was hit by what happened to another).
   *
   * @throws  `pg`'s DatabaseError for what the server refuses; an error with `code` ECONNRESET, ECONNREFUSED, 57P01 … when the
   *          connection is lost or cannot be made; `READER_OVERLOADED`, `READER_TIMEOUT`, `READER_RESULT_TOO_LARGE`,
   *          `READER_TOO_MANY_VALUES`, `READER_PROTOCOL`, `READER_CLOSED`
   */
  read(statement: Statement, options?: ReadCallOptions): Promise<TextRows>
  /** Runs independent statements on one connection in one write. Rejects with the first error. */
  readAll(statements: readonly Statement[], tenant?: string): Promise<TextRows[]>
  /** Gives the connections that there are no more reads: later ones are sent on new connections. */
  renew(): void
  /** Takes no more reads, finishes those it has, and says goodbye to the server. */
  close(): Promise<void>
  /** Connections that are ready, and statements without an answer. */
  stats(): { connections: number; inFlight: number }
}

export interface ReaderLimits {
  /** Statements without an answer on one connection; beyond it `READER_OVERLOADED`. */
  readonly inFlight: number
  /** Bytes of one result; beyond it `READER_RESULT_TOO_LARGE`. */
  readonly resultBytes: number
  /** Named statements that one connection keeps prepared. The `pg` kind keeps all. */
  readonly preparedStatements: number
}

export interface ReaderOptions {
  /** `statement_timeout`, time zone and the like are the caller's to set here. */
  readonly connection: ClientConfig
  readonly connections: number
  /** What the server was told as `statement_timeout`; 500 ms later the connection counts as dead. */
  readonly statementTimeoutMs: number
  readonly kind: 'thin' | 'pg'
  /** Connections are greeted as those of the application's role, and each statement has its tenant ahead of it. */
  readonly hasTenants?: boolean
  readonly limits?: Partial<ReaderLimits>
  /** Hears of every connection that was lost or could not be made; the reads it had have failed by themselves. */
  onConnectionError?(error: Error): void
}

const defaultLimits: ReaderLimits = { inFlight: 1_000, resultBytes: 64 * 1024 * 1024, preparedStatements: 200 }

/** Makes a reader. It connects with the first read, then to all its connections one after the other. */
export function createReader(options: ReaderOptions): Reader {
  const limits = { ...defaultLimits, ...options.limits }
  const open = options.kind === 'thin' ? openThinConnection : openPgConnection
  return new Dispatcher({ ...options, limits, open })
}
