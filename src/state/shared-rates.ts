// Asks the first store that can be asked. When it is another than last time, it is told how many hits there were: whoever counts
// goes on, and nobody has the limit twice because Redis went away or came back.

import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { Logger } from '../core/log.ts'
import { Lru } from '../support/lru.ts'
import type { Counted, Hit, RateCounter, RateResult, RateStore, RateWindow } from './rate-counter.ts'
import { type Share, TogetherCounts } from './together-counts.ts'

/** Keys of which a process knows how many hits there were last. */
const mostKnown = 20_000
/** Characters; longer keys are told by their hash. An index of PostgreSQL takes no more than 2.7 kB, and memory is bounded by the number of keys. */
const longestKey = 200

/** A window of a key, without the hits. */
type Plain = Pick<Hit, 'key' | 'limit' | 'windowMs'>

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
    const [result] = await this.hitAll(key, [{ limit, windowMs }])
    return result ?? noWindow()
  }

  async hitAll(key: string, windows: readonly RateWindow[]): Promise<readonly (RateResult | undefined)[]> {
    const plain = plainWindows(key, windows)
    const known = this.#knownRefusals(plain)
    if (known !== undefined) return known
    const name = plain.map(({ limit, windowMs }) => `${limit}:${windowMs}:`).join('') + (plain[0] ?? noWindow()).key
    const shares = await this.#outside(() => this.#together.hit(name, (hits) => this.#count(plain, hits)))
    return plain.map(({ limit }, index) => resultOf(shares[index], limit))
  }

  async peekAll(key: string, windows: readonly RateWindow[]): Promise<readonly (RateResult | undefined)[]> {
    const plain = plainWindows(key, windows)
    const known = this.#knownRefusals(plain)
    if (known !== undefined) return known
    const counted = await this.#outside(() => this.#count(plain, 0))
    return plain.map(({ limit }, index) => {
      const { used, resetMs } = counted[index] ?? noWindow()
      return { allowed: used < limit, remaining: Math.max(0, limit - used), resetMs }
    })
  }

  /** Undefined when none of the windows is known to refuse. */
  #knownRefusals(windows: readonly Plain[]): readonly (RateResult | undefined)[] | undefined {
    const known = windows.map((window) => this.#knownRefusal(window))
    return known.some((refusal) => refusal !== undefined) ? known : undefined
  }

  /** As long as there are as many hits as may be, as far as was heard: who is refused asks nobody, however often he comes. */
  #knownRefusal(window: Plain): RateResult | undefined {
    const known = this.#known.get(nameOf(window))
    const resetMs = known === undefined || known.used < window.limit ? 0 : Math.ceil(known.until - this.#now())
    return resetMs > 0 ? { allowed: false, remaining: 0, resetMs } : undefined
  }

  async #count(windows: readonly Plain[], hits: number): Promise<readonly Counted[]> {
    for (const store of this.#options.stores) {
      const counted = await this.#countIn(store, windows, hits)
      if (counted !== undefined) return counted
    }
    throw new Error('The last store of hits did not answer.')
  }

  async #countIn(store: RateStore, windows: readonly Plain[], hits: number): Promise<readonly Counted[] | undefined> {
    const [first = noWindow()] = windows
    const place = store.nameFor({ ...first, hits, carried: 0, carriedMs: 0 })
    if (place === undefined) return undefined
    const counted = await this.#ask(
      store,
      place,
      windows.map((window) => ({ ...window, hits, ...this.#carried(nameOf(window), place, window.windowMs) })),
    )
    const at = this.#now()
    for (const [index, { used, resetMs }] of (counted ?? []).entries())
      this.#known.set(nameOf(windows[index] ?? first), { store: place, used, at, until: at + resetMs })
    return counted
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
  async #ask(store: RateStore, place: string, hits: readonly Hit[]): Promise<readonly Counted[] | undefined> {
    this.#options.count(place.split(' ')[0] ?? '', hits[0]?.hits ?? 0)
    try {
      const counted = await store.count(hits)
      if (place === 'postgres') this.#failing = false
      return counted
    } catch (err) {
      if (place === 'postgres' && !this.#failing) this.#options.log.warn({ err }, 'hits are counted by each process for itself')
      if (place === 'postgres') this.#failing = true
      return undefined
    }
  }
}

function plainWindows(key: string, windows: readonly RateWindow[]): Plain[] {
  const bounded = boundedKey(key)
  return windows.map(({ limit, windowMs }) => ({ key: bounded, limit, windowMs: Math.max(1, Math.ceil(windowMs)) }))
}

/** The same key with another window is another count. */
function nameOf({ key, windowMs }: Plain): string {
  return `${windowMs}:${key}`
}

function resultOf(share: Share | undefined, limit: number): RateResult | undefined {
  if (share === undefined) return undefined
  const { allowed, used, resetMs } = share
  return { allowed, remaining: Math.max(0, limit - used), resetMs }
}

function noWindow(): never {
  throw new Error('Hits are counted in at least one window.')
}

/** PostgreSQL has no text with a NUL or half a character in it. */
function boundedKey(key: string): string {
  const isPlain = key.length <= longestKey && !key.includes('\0') && key.isWellFormed()
  return isPlain ? key : `sha256:${createHash('sha256').update(key).digest('base64url')}`
}
