// Asks the first store that can be asked. When it is another than last time, it is told how many hits there were: whoever counts
// goes on, and nobody has the limit twice because Redis went away or came back.

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { Logger } from '../core/log.ts'
import { Lru } from '../support/lru.ts'
import type { Counted, Hit, RateCounter, RateResult, RateStore } from './rate-counter.ts'
import { TogetherCounts } from './together-counts.ts'

/** Keys of which a process knows how many hits there were last. */
const mostKnown = 20_000
/** Characters; longer keys are told by their hash. An index of PostgreSQL takes no more than 2.7 kB, and memory is bounded by the number of keys. */
const longestKey = 200

/** The answer that was last heard. */
interface Known {
  readonly store: string
  readonly used: number
  readonly at: number
  /** Until then none of the hits is forgotten, so there are at least as many. */
  readonly until: number
}

export interface SharedRatesOptions {
  /** In the order they are asked. The last one always answers. */
  readonly stores: readonly RateStore[]
  readonly log: Logger
  /** Told of hits before they are counted. */
  readonly count: (store: string, hits: number) => void
  /** Milliseconds of any clock; `performance.now` when not said. */
  readonly now?: () => number
}

export class SharedRates implements RateCounter {
  readonly #options: SharedRatesOptions
  readonly #known = new Lru<Known>(mostKnown)
  readonly #together = new TogetherCounts()
  /** A transaction of the caller must not undo a hit, nor hold its lock to the end. */
  readonly #outside = AsyncLocalStorage.snapshot()
  readonly #now: () => number
  #failing = false

  constructor(options: SharedRatesOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  async hit(key: string, limit: number, windowMs: number): Promise<RateResult> {
    const bounded = boundedKey(key)
    const wholeMs = Math.max(1, Math.ceil(windowMs))
    const fullMs = this.#fullMs(`${wholeMs}:${bounded}`, limit)
    if (fullMs > 0) return { allowed: false, remaining: 0, resetMs: fullMs }
    const count = (hits: number): Promise<Counted> =>
      this.#count({ key: bounded, limit, windowMs: wholeMs, hits, carried: 0, carriedMs: 0 })
    const { allowed, used, resetMs } = await this.#outside(() => this.#together.hit(`${limit}:${wholeMs}:${bounded}`, count))
    return { allowed, remaining: Math.max(0, limit - used), resetMs }
  }

  /** For how long there are as many hits as may be, as far as was heard: who is refused asks nobody, however often he comes. */
  #fullMs(name: string, limit: number): number {
    const known = this.#known.get(name)
    return known === undefined || known.used < limit ? 0 : Math.ceil(known.until - this.#now())
  }

  async #count(plain: Hit): Promise<Counted> {
    const { key, windowMs } = plain
    const name = `${windowMs}:${key}`
    for (const store of this.#options.stores) {
      const place = store.nameFor(plain)
      const counted = place === undefined ? undefined : await this.#ask(store, place, { ...plain, ...this.#carried(name, place, windowMs) })
      if (place === undefined || counted === undefined) continue
      const at = this.#now()
      this.#known.set(name, { store: place, used: counted.used, at, until: at + counted.resetMs })
      return counted
    }
    throw new Error('The last store of hits did not answer.')
  }

  /** What the store cannot know, because it was counted in another; as old as the last answer, so that it is forgotten with it. */
  #carried(name: string, place: string, windowMs: number): Pick<Hit, 'carried' | 'carriedMs'> {
    const known = this.#known.get(name)
    const age = known === undefined ? 0 : Math.round(this.#now() - known.at)
    return known === undefined || known.store === place || age >= windowMs
      ? { carried: 0, carriedMs: 0 }
      : { carried: known.used, carriedMs: age }
  }

  /** Undefined when the store failed. Redis says so itself; a database is said once. */
  async #ask(store: RateStore, place: string, hit: Hit): Promise<Counted | undefined> {
    this.#options.count(place.split(' ')[0] ?? '', hit.hits)
    try {
      const counted = await store.count(hit)
      if (place === 'postgres') this.#failing = false
      return counted
    } catch (err) {
      if (place === 'postgres' && !this.#failing) this.#options.log.warn({ err }, 'hits are counted by each process for itself')
      if (place === 'postgres') this.#failing = true
      return undefined
    }
  }
}

/** PostgreSQL has no text with a NUL or half a character in it. */
function boundedKey(key: string): string {
  const isPlain = key.length <= longestKey && !key.includes('\0') && key.isWellFormed()
  return isPlain ? key : `sha256:${createHash('sha256').update(key).digest('base64url')}`
}
