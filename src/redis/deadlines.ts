// The budget of every command. One timer for all: they have the same time, so the one that was sent first is due first.

import { performance } from 'node:perf_hooks'
import { Line, LineMember } from '../support/line.ts'
import { RedisUnavailable } from './redis.ts'

/** A timer that is later than this says that we stood still, not Redis. */
const stalledMs = 10

/** Told what becomes of commands. */
export interface Watcher {
  /** Answered in time, perhaps with a refusal. */
  answered(): void
  /** Not answered in time. */
  late(): void
  /** Over, in time or not. @param weight  that was given with the command */
  ended(weight: number): void
  /** What a rejection is called by those who wait. */
  failure(error: unknown): RedisUnavailable
}

/** A command that is waited for. */
class Waiting extends LineMember {
  readonly since = performance.now()
  readonly reject: (error: RedisUnavailable) => void
  readonly watcher: Watcher

  constructor(reject: (error: RedisUnavailable) => void, watcher: Watcher) {
    super()
    this.reject = reject
    this.watcher = watcher
  }
}

export class Deadlines {
  readonly budgetMs: number
  /** In the order they began, so the first is the oldest. */
  readonly #waiting = new Line<Waiting>()
  #timer: NodeJS.Timeout | undefined

  constructor(budgetMs: number) {
    this.budgetMs = budgetMs
  }

  /**
   * The answer, if it comes in time. Nothing that was sent can be taken back, so what is behind `answer` goes on.
   *
   * @throws  RedisUnavailable `timeout`, or what the watcher calls a rejection
   */
  guard<reply>(answer: Promise<reply>, watcher: Watcher, weight = 0): Promise<reply> {
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(reject, watcher)
      this.#waiting.add(waiting)
      if (this.#timer === undefined) this.#arm(waiting)
      const settled =
        <value>(settle: (value: value) => void) =>
        (value: value): void => {
          watcher.ended(weight)
          if (!this.#waiting.remove(waiting)) return
          watcher.answered()
          settle(value)
        }
      answer.then(
        settled(resolve),
        settled((error: unknown) => reject(watcher.failure(error))),
      )
    })
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(oldest: Waiting): void {
    const due = oldest.since + this.budgetMs
    this.#timer = setTimeout(() => this.#tick(due), Math.max(1, Math.ceil(due - performance.now()))).unref()
  }

  /**
   * Timers run before the answers that have arrived, so judgement comes after those. After an event loop that stood still commands
   * may not even have been written yet: they get their time anew, once.
   */
  #tick(due: number): void {
    const now = performance.now()
    if (now - due < stalledMs) setImmediate(() => this.#judge(now))
    else this.#timer = setTimeout(() => setImmediate(() => this.#judge(now)), this.budgetMs).unref()
  }

  #judge(now: number): void {
    this.#timer = undefined
    for (const waiting of this.#waiting) {
      if (now - waiting.since < this.budgetMs) break
      this.#waiting.remove(waiting)
      waiting.watcher.late()
      waiting.reject(new RedisUnavailable('timeout', `no answer within ${this.budgetMs} ms`))
    }
    const oldest = this.#waiting.first
    if (oldest !== undefined && this.#timer === undefined) this.#arm(oldest)
  }
}
