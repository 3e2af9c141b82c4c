// Notices a server that has fallen silent. Its time-outs are of no use then, and a connection that waits for a frozen
// process waits for ever: so when an answer is late we knock at the server's door on a connection of its own.

import { performance } from 'node:perf_hooks'
import type { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { Line, LineMember, standIn } from '../support/line.ts'
import { dbErrors, retryLater } from './errors.ts'

// A request that meets a frozen server is answered after 1 s of silence and a knock of at most 1 s; see A6 of the
// reliability targets: 3 s. A statement that is merely slow has its time, because the server answers the knock.
const silenceMs = 1_000
const tickMs = 200

/** How much later than the server our own deadline comes, so that its clearer answer usually wins. */
const slackMs = 400

export interface WatchdogOptions {
  readonly statementTimeoutMs: number
  /** True when the server answered, whatever it said. Must itself end in about a second. */
  readonly knock: () => Promise<boolean>
  readonly log: Logger
}

/** An answer that is waited for. */
class Waiting extends LineMember {
  readonly since = performance.now()
  readonly reject: (error: unknown) => void
  readonly onGivenUp: (() => void) | undefined

  constructor(reject: (error: unknown) => void, onGivenUp: (() => void) | undefined) {
    super()
    this.reject = reject
    this.onGivenUp = onGivenUp
  }
}

export class Watchdog {
  readonly #options: WatchdogOptions
  /** In the order they began, so the first is the oldest. */
  readonly #waiting = new Line<Waiting>()
  #timer: NodeJS.Timeout | undefined
  #lastTick = 0
  #stalledAt = -Infinity
  #answeredAt = -Infinity
  #knocking = false
  #silent = false
  #closed = false

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** Throws while the server is silent, so that nothing is sent to it that it would work off when it wakes up. */
  check(): void {
    if (this.#silent) throw retryLater(dbErrors.UNAVAILABLE())
  }

  /**
   * Waits for the answer as long as the server lives and its time-out allows.
   *
   * @param onGivenUp  called when nobody waits for the answer any more: the connection cannot be used for another
   * @throws           AppError `DB_UNAVAILABLE` when the server is silent, `DB_TIMEOUT`
   */
  guard<result>(answer: Promise<result>, onGivenUp?: () => void): Promise<result> {
    const guarded = standIn(this.#waiting, answer, (reject) => new Waiting(reject, onGivenUp))
    this.#arm()
    return guarded
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#lastTick = performance.now()
    this.#timer = setTimeout(() => this.#tick(), tickMs).unref()
  }

  #tick(): void {
    this.#timer = undefined
    if (performance.now() - this.#lastTick > tickMs * 2) this.#stalledAt = performance.now()
    // Behind what has arrived: after an event loop that stood still, timers run before the answers that have long been there.
    setImmediate(() => this.#judge(performance.now()))
    if (this.#waiting.size > 0) this.#arm()
  }

  #judge(now: number): void {
    const overdue = this.#options.statementTimeoutMs + slackMs
    for (const waiting of this.#waiting) {
      if (now - waiting.since < overdue) break
      this.#giveUp(waiting, retryLater(dbErrors.TIMEOUT()))
    }
    const oldest = this.#waiting.first
    if (oldest === undefined || this.#knocking) return
    if (now - oldest.since >= silenceMs && now - this.#answeredAt >= silenceMs) void this.#knock()
  }

  #giveUp(waiting: Waiting, error: AppError): void {
    this.#waiting.remove(waiting)
    waiting.reject(error)
    waiting.onGivenUp?.()
  }

  async #knock(): Promise<void> {
    this.#knocking = true
    const startedAt = performance.now()
    let answered = await this.#options.knock()
    // When it was us who stood still, the knock's own timer may have run before its answer. Once more then.
    if (!answered && this.#stalledAt > startedAt) answered = await this.#options.knock()
    this.#knocking = false
    if (answered) this.#heard()
    else this.#heardNothing()
  }

  #heard(): void {
    this.#answeredAt = performance.now()
    if (this.#silent) this.#options.log.warn({}, 'the database answers again')
    this.#silent = false
  }

  #heardNothing(): void {
    if (!this.#silent)
      this.#options.log.error({ waiting: this.#waiting.size }, 'the database does not answer; requests are refused until it does')
    this.#silent = true
    for (const waiting of this.#waiting) this.#giveUp(waiting, retryLater(dbErrors.UNAVAILABLE()))
    setTimeout(() => !this.#closed && void this.#knock(), tickMs).unref()
  }
}
