// Notes what rate limits refuse: every refusal in the metrics, and a log line per limit now and then. A line per refusal would be what an
// attacker wants.

import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { RouteRate } from './rate-limits.ts'

/** From one line about a limit to the next. */
const quietMs = 10_000

interface Tally {
  refused: number
  loggedAt: number
}

export class RefusedRates {
  readonly #log: Logger
  readonly #count: (limit: string) => void
  readonly #tallies = new Map<RouteRate, Tally>()

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log
    this.#count = metrics.counter('plinth_requests_limited_total', 'Requests refused by a rate limit.', 'limit')
  }

  /** @param address  of the client that is refused now; the line names it as one of perhaps many */
  note(rate: RouteRate, address: string): void {
    this.#count(rate.about)
    const tally = this.#tallies.get(rate) ?? { refused: 0, loggedAt: -Infinity }
    this.#tallies.set(rate, tally)
    tally.refused += 1
    const now = performance.now()
    if (now - tally.loggedAt < quietMs) return
    this.#log.warn({ limit: rate.about, refused: tally.refused, address }, 'requests over a rate limit are refused')
    tally.refused = 0
    tally.loggedAt = now
  }
}
