// What both kinds of connection share: statements in flight in the order they were sent, patience, cancelling, and the end.

import type { Duplex } from 'node:stream'
import type { Client } from 'pg'
import { AppError } from '../../core/errors.ts'
import { greetAsApp } from '../app-role.ts'
import { isStalePlan } from '../pg-errors.ts'
import { Deadline } from './deadline.ts'
import { connectionLost, readerErrors } from './errors.ts'
import { type Greeting, requestCancel, sayGoodbye, type PgSocket } from './pg-socket.ts'
import type { ReadTask } from './read-task.ts'
import type { ReaderOptions, ReaderLimits } from './reader.ts'
import { TaskQueue } from './task-queue.ts'

/** How long after the server's own time-out the connection counts as dead. */
const graceMs = 500
const cancelTimeoutMs = 5_000
const queryCanceled = '57014'
/** Times that a statement runs again because it was hit by a cancel request for another: each was somebody else's. */
const mostHits = 5

export interface ConnectionOptions extends ReaderOptions {
  readonly limits: ReaderLimits
  readonly owner: ConnectionOwner
}

/** What connections are greeted with; undefined: nothing. */
export function greetingOf({ hasTenants = false, connection }: ConnectionOptions): Greeting | undefined {
  return hasTenants ? (client) => greetAsApp(client, connection.connectionTimeoutMillis) : undefined
}

/** What a connection tells its reader. */
export interface ConnectionOwner {
  /** Run this one again, elsewhere: what happened to it was not its own fault. */
  again(task: ReadTask): void
  /** Takes no more statements: it is being closed, or it is lost for the given reason. */
  leaving(connection: PipelinedConnection, reason?: Error): void
}

export abstract class PipelinedConnection {
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>
  protected readonly client: Client
  protected readonly socket: Duplex
  protected readonly deadline: Deadline
  protected readonly options: ConnectionOptions
  readonly #queue = new TaskQueue()
  #cancelling = 0
  #retired = false
  #lost = false

  constructor({ client, socket }: PgSocket, options: ConnectionOptions) {
    this.client = client
    this.socket = socket
    this.options = options
    this.deadline = new Deadline(
      options.statementTimeoutMs + graceMs,
      () => this.load > 0,
      () => this.lose(readerErrors.timeout()),
    )
    socket.on('error', (error) => this.lose(error))
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.lose(connectionLost())
        resolve()
      })
    })
  }

  /** Statements in flight. */
  get load(): number {
    return this.#queue.size
  }

  /** The statement that the server works at, or whose answer is still coming in. */
  protected get head(): ReadTask | undefined {
    return this.#queue.head
  }

  run(task: ReadTask): void {
    task.connection = this
    task.cancelRisk = this.#cancelling > 0
    if (this.#queue.size === 0) this.deadline.start()
    this.#queue.push(task)
    this.send(task)
  }

  /** Encodes the statement; it is written at the end of the tick at the latest. */
  protected abstract send(task: ReadTask): void

  /** How many of the statements in flight, counted from the last, have never left this process. */
  protected abstract unwritten(): number

  /** The head has its answer: its rows, or `task.error`. */
  protected finishHead(): void {
    const task = this.#queue.shift()
    if (task === undefined) throw readerErrors.protocol('An answer came that nobody had asked for.')
    this.#settle(task)
    if (this.#retired && this.load === 0) this.#leave()
  }

  /** Takes no more statements, finishes what is in flight and ends. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.options.owner.leaving(this)
    if (this.load === 0) this.#leave()
  }

  /** The connection is of no more use. The statements it had fail, but for those that had no part in it. */
  protected lose(reason: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.deadline.stop()
    this.socket.destroy()
    const tasks = this.#queue.takeAll()
    const written = tasks.length - this.unwritten()
    if (!this.#retired) this.options.owner.leaving(this, reason)
    tasks.forEach((task, index) => this.#drop(task, reason, index < written, index === 0))
  }

  protected get isLost(): boolean {
    return this.#lost
  }

  /** The reader's caller has given up. The server is told only when the statement is the one that it is at. */
  abandon(task: ReadTask, reason: unknown): void {
    task.abandon(reason)
    if (this.head === task) void this.#cancelHead()
  }

  // The server cancels whatever it is at when the signal arrives, and that may be the next statement by then. All that are in
  // flight until the server has confirmed the signal are therefore marked, and run again if they are the ones that were hit.
  async #cancelHead(): Promise<void> {
    for (const task of this.#queue) task.cancelRisk = true
    this.#cancelling += 1
    await requestCancel(this.client, cancelTimeoutMs)
    this.#cancelling -= 1
  }

  #settle(task: ReadTask): void {
    const { error } = task
    if (error === undefined) return task.resolve()
    const stale = isStalePlan(error)
    if (stale) this.retire()
    const hit = task.cancelRisk && 'code' in error && error.code === queryCanceled
    const worthAnother = hit ? task.retries < mostHits : stale && !task.retried
    if (worthAnother && !task.abandoned) this.options.owner.again(task)
    else task.reject(error)
  }

  #drop(task: ReadTask, reason: Error, written: boolean, isHead: boolean): void {
    const headsFault = reason instanceof AppError && reason.code === 'READER_RESULT_TOO_LARGE'
    if (!written || (headsFault && !isHead && !task.retried)) this.options.owner.again(task)
    else task.reject(headsFault && !isHead ? connectionLost(reason) : reason)
  }

  #leave(): void {
    this.deadline.stop()
    void sayGoodbye({ client: this.client, socket: this.socket })
  }
}
