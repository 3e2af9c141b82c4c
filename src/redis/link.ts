// Keeps one server connected, and is its circuit: closed while the connection is open, half-open while one is tried, open in between.
// A frozen server costs three commands their budget; then its connection is dropped with everything that it was sent.

import { performance } from 'node:perf_hooks'
import { type Connection, type ConnectionObserver, type ConnectionOptions, openConnection } from './connection.ts'
import type { Deadlines } from './deadlines.ts'
import { failureOf, isRedirect, isUseless } from './failure.ts'
import { type RedisFailure, RedisUnavailable } from './redis.ts'
import { nameOf, replyTest, type Target, within } from './wire.ts'

export type CircuitState = 'closed' | 'half-open' | 'open'

/** Late answers in a row, with none in time between, that open the circuit. */
const mostLate = 3
/** Longest time to connect, sign in and be told who the server is. Nobody waits for that. */
const openMs = 1_000
const leastPauseMs = 100
const mostPauseMs = 2_000
/** An idle connection is asked this often, so that a server that has gone is not found out by a caller. */
const beatMs = 500

export interface LinkOptions {
  /** Where to connect to this time. May reject: that is an attempt that failed. */
  readonly target: (signal: AbortSignal) => Promise<Target>
  readonly deadlines: Deadlines
  /** A connection was opened (undefined) or lost, or none could be opened. */
  readonly onChange?: (problem: RedisUnavailable | undefined, server: string) => void
  /** A command was not answered as it should. */
  readonly onFailure?: (reason: RedisFailure) => void
  /** Another server has what was asked for. */
  readonly onRedirect?: () => void
}

export class Link {
  #connection: Connection | undefined
  #problem: RedisUnavailable | undefined = new RedisUnavailable('offline', 'not connected yet')
  #state: CircuitState = 'open'
  #server = ''
  readonly #options: LinkOptions
  readonly #first = Promise.withResolvers<void>()
  #attempt = 0
  #late = 0
  #answers = 0
  #openedAt = 0
  #pauseMs = leastPauseMs
  #timer: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined
  readonly #stop = new AbortController()

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The connection, while the circuit is closed. */
  get connection(): Connection | undefined {
    return this.#connection
  }

  /** `host:port` that was tried last; empty before. */
  get server(): string {
    return this.#server
  }

  get state(): CircuitState {
    return this.#state
  }

  /** Why there is no connection. */
  get problem(): RedisUnavailable | undefined {
    return this.#problem
  }

  /** Resolves when the first attempt is over. */
  get tried(): Promise<void> {
    return this.#first.promise
  }

  start(): void {
    void this.#try()
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
    this.#disconnect()
    this.#first.resolve()
  }

  /** Gives up the connection; the next is tried at once. */
  drop(problem: RedisUnavailable): void {
    if (this.#connection === undefined) return
    this.#pauseMs = leastPauseMs
    this.#fail(problem)
  }

  async #try(): Promise<void> {
    this.#state = 'half-open'
    this.#attempt += 1
    const observer = this.#observer(this.#attempt)
    try {
      const isReply = await replyTest()
      this.#opened(await within(openMs, this.#stop.signal, (signal) => this.#open({ observer, signal, isReply })))
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(failureOf(error, () => false))
    }
    this.#first.resolve()
  }

  async #open(attempt: Pick<ConnectionOptions, 'observer' | 'signal' | 'isReply'>): Promise<Connection> {
    const { target, deadlines } = this.#options
    const place = await target(attempt.signal)
    this.#server = nameOf(place)
    return openConnection({ ...attempt, target: place, deadlines })
  }

  /** What a connection tells counts as long as it is the one in use. */
  #observer(attempt: number): ConnectionObserver {
    const current = (): boolean => attempt === this.#attempt && this.#connection !== undefined
    return {
      answered: () => {
        this.#late = 0
        this.#answers += 1
      },
      late: () => {
        this.#options.onFailure?.('timeout')
        if (!current()) return
        this.#late += 1
        if (this.#late >= mostLate)
          this.#fail(new RedisUnavailable('timeout', `${mostLate} commands had no answer within ${this.#options.deadlines.budgetMs} ms`))
      },
      failed: (failure) => {
        this.#options.onFailure?.(failure.reason)
        if (current() && isRedirect(failure)) this.#options.onRedirect?.()
        if (current() && isUseless(failure)) this.#fail(failure)
      },
      lost: (failure) => {
        if (current()) this.#fail(failure)
      },
    }
  }

  #opened(connection: Connection): void {
    if (this.#stop.signal.aborted) return connection.close()
    this.#connection = connection
    this.#state = 'closed'
    this.#problem = undefined
    this.#late = 0
    this.#openedAt = performance.now()
    this.#beat = setInterval(() => this.#ask(), beatMs).unref()
    this.#options.onChange?.(undefined, this.#server)
  }

  /** A server that lets itself be connected and then does not answer is tried less and less often. */
  #fail(problem: RedisUnavailable): void {
    const lived = this.#connection !== undefined && performance.now() - this.#openedAt > mostPauseMs
    if (lived) this.#pauseMs = leastPauseMs
    this.#disconnect()
    this.#problem = problem
    this.#state = 'open'
    this.#timer = setTimeout(() => void this.#try(), this.#pauseMs * (0.75 + Math.random() / 2)).unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, mostPauseMs)
    this.#options.onChange?.(problem, this.#server)
  }

  #disconnect(): void {
    clearInterval(this.#beat)
    const connection = this.#connection
    this.#connection = undefined
    connection?.close()
  }

  #ask(): void {
    if (this.#answers === 0) this.#connection?.send(['PING']).catch(() => undefined)
    this.#answers = 0
  }
}
