// What the cache did, for metrics and `plinth cache stats`. Counted with plain additions, by resource.

import type { Metrics } from '../core/metrics.ts'

export interface ResourceCounts {
  hit: number
  near: number
  miss: number
  bypass: number
  /** Fills that were not kept because a write came in between. */
  unconfirmed: number
  /** Hits that were read again, and those of them that were not what the database has. */
  sampled: number
  mismatched: number
}

export type Counted = keyof ResourceCounts

const helps: Readonly<Record<Counted, readonly [name: string, help: string]>> = {
  hit: ['hits', 'Reads answered from the cache.'],
  near: ['near_hits', 'Reads answered from a near copy, without asking the database for its version.'],
  miss: ['misses', 'Reads answered from the database, whose answer is kept if it can be.'],
  bypass: ['bypasses', 'Reads of cached resources that went past the cache.'],
  unconfirmed: ['unconfirmed_fills', 'Answers that were not kept, because a write came in between.'],
  sampled: ['samples', 'Hits that were read again from the database.'],
  mismatched: ['mismatches', 'Hits that were not what the database had at the same version. Above 0, the cache is wrong.'],
}

export class Counters {
  readonly #counts = new Map<string, ResourceCounts>()
  readonly #metrics: Readonly<Record<Counted, (resource: string) => void>>

  constructor(metrics: Metrics) {
    const counters = Object.entries(helps).map(([counted, [name, help]]) => [
      counted,
      metrics.counter(`plinth_cache_${name}_total`, help, 'resource'),
    ])
    this.#metrics = Object.fromEntries(counters) as Readonly<Record<Counted, (resource: string) => void>>
  }

  count(resource: string, counted: Counted): void {
    this.#of(resource)[counted] += 1
    this.#metrics[counted](resource)
  }

  all(): Readonly<Record<string, Readonly<ResourceCounts>>> {
    return Object.fromEntries(this.#counts)
  }

  #of(resource: string): ResourceCounts {
    const known = this.#counts.get(resource)
    if (known !== undefined) return known
    const counts = { hit: 0, near: 0, miss: 0, bypass: 0, unconfirmed: 0, sampled: 0, mismatched: 0 }
    this.#counts.set(resource, counts)
    return counts
  }
}
