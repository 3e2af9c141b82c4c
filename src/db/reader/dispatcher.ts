// Decides which connection a statement goes to, makes connections when they are wanted, and keeps those that wait for the first.

import type { Statement, TextRows } from '../rows.ts'
import { ConnectGate } from './connect-gate.ts'
import { readerErrors } from './errors.ts'
import type { ConnectionOptions, ConnectionOwner, PipelinedConnection } from './pipelined-connection.ts'
import type { ReadCallOptions, Reader, ReaderLimits, ReaderOptions } from './reader.ts'
import { ReadTask } from './read-task.ts'

/** Parameters of a statement are numbered with 16 bits. */
const maxValues = 65_535

export interface DispatcherOptions extends ReaderOptions {
  readonly limits: ReaderLimits
  readonly open: (options: ConnectionOptions) => Promise<PipelinedConnection>
}

export class Dispatcher implements Reader, ConnectionOwner {
  readonly #options: DispatcherOptions
  readonly #gate = new ConnectGate()
  /** Ready, and taking statements. */
  readonly #ready = new Set<PipelinedConnection>()
  /** Every connection whose socket is open, also those that finish what they have. */
  readonly #open = new Set<PipelinedConnection>()
  readonly #opening = new Set<Promise<void>>()
  /** Accepted before there was a connection; the first one takes them all. */
  #waiting: ReadTask[] = []
  #closing: Promise<void> | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  read(statement: Statement, options?: ReadCallOptions): Promise<TextRows> {
    const signal = options?.signal
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const task = new ReadTask(statement, options?.tenant)
    this.#accept([task])
    if (signal !== undefined) this.#watch(task, signal)
    return task.promise
  }

  readAll(statements: readonly Statement[], tenant?: string): Promise<TextRows[]> {
    const tasks = statements.map((statement) => new ReadTask(statement, tenant))
    this.#accept(tasks)
    return Promise.all(tasks.map((task) => task.promise))
  }

  stats(): { connections: number; inFlight: number } {
    const loads = [...this.#open].map((connection) => connection.load)
    return { connections: this.#ready.size, inFlight: loads.reduce((sum, load) => sum + load, this.#waiting.length) }
  }

  renew(): void {
    for (const connection of this.#ready) connection.retire()
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  again(task: ReadTask): void {
    task.reset()
    task.retries += 1
    this.#dispatch([task])
  }

  leaving(connection: PipelinedConnection, reason?: Error): void {
    this.#ready.delete(connection)
    if (reason !== undefined) this.#options.onConnectionError?.(reason)
  }

  #accept(tasks: readonly ReadTask[]): void {
    const tooMany = tasks.find((task) => task.statement.values.length > maxValues)
    if (this.#closing !== undefined) rejectAll(tasks, readerErrors.closed())
    else if (tooMany !== undefined) rejectAll(tasks, readerErrors.tooManyValues(tooMany.statement.values.length))
    else this.#dispatch(tasks)
  }

  /** All to one connection: the one with the least to do. */
  #dispatch(tasks: readonly ReadTask[]): void {
    const connection = this.#leastLoaded()
    const refusal = connection === undefined || connection.load > 0 ? this.#openAnother() : undefined
    if (connection === undefined && refusal !== undefined && this.#opening.size === 0) return rejectAll(tasks, refusal)
    const inFlight = connection === undefined ? this.#waiting.length : connection.load
    if (inFlight + tasks.length > this.#options.limits.inFlight) return rejectAll(tasks, readerErrors.overloaded())
    if (connection === undefined) this.#waiting.push(...tasks)
    else for (const task of tasks) connection.run(task)
  }

  #leastLoaded(): PipelinedConnection | undefined {
    let least: PipelinedConnection | undefined
    for (const connection of this.#ready) {
      if (least === undefined || connection.load < least.load) least = connection
    }
    return least
  }

  /** Begins to connect once more, if there may be more; returns why it did not, when the server is known to be down. */
  #openAnother(): Error | undefined {
    if (this.#ready.size + this.#opening.size >= this.#options.connections) return undefined
    const refusal = this.#gate.refusal()
    if (refusal !== undefined) return refusal
    const opening: Promise<void> = this.#options.open({ ...this.#options, owner: this }).then(
      (connection) => this.#opened(opening, connection),
      (error: Error) => this.#notOpened(opening, error),
    )
    this.#opening.add(opening)
    return undefined
  }

  /** Where one connection could be made the others are made too, so that the first slow statement finds the next read elsewhere. */
  #opened(opening: Promise<void>, connection: PipelinedConnection): void {
    this.#opening.delete(opening)
    this.#gate.succeeded()
    this.#ready.add(connection)
    this.#open.add(connection)
    void connection.closed.then(() => this.#open.delete(connection))
    for (const task of this.#takeWaiting()) connection.run(task)
    if (this.#closing === undefined) this.#openAnother()
  }

  /** As long as another attempt is under way, those that wait go on waiting. */
  #notOpened(opening: Promise<void>, error: Error): void {
    this.#opening.delete(opening)
    this.#gate.failed(error)
    this.#options.onConnectionError?.(error)
    if (this.#opening.size === 0) rejectAll(this.#takeWaiting(), error)
  }

  #takeWaiting(): ReadTask[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  #watch(task: ReadTask, signal: AbortSignal): void {
    const onAbort = (): void => this.#abandon(task, signal.reason)
    const unwatch = (): void => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    task.promise.then(unwatch, unwatch)
  }

  #abandon(task: ReadTask, reason: unknown): void {
    if (task.connection !== undefined) return task.connection.abandon(task, reason)
    this.#waiting = this.#waiting.filter((other) => other !== task)
    task.reject(reason)
  }

  /** What is accepted is finished first; a statement that has to run again may open a connection even now. */
  async #shutDown(): Promise<void> {
    while (this.#opening.size + this.#open.size > 0) {
      for (const connection of this.#ready) connection.retire()
      await Promise.all([...this.#opening, ...[...this.#open].map((connection) => connection.closed)])
    }
  }
}

function rejectAll(tasks: readonly ReadTask[], error: Error): void {
  for (const task of tasks) task.reject(error)
}
