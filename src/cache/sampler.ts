// Reads one hit in ten thousand again and compares: the check that runs where no test does. A difference at the same version means
// that the cache has given a wrong answer; it is counted and logged, and should never be seen.

import type { Logger } from '../core/log.ts'
import type { Counters } from './counters.ts'
import type { CachedRead } from './read.ts'

/** @returns whether the hit was what the database has; undefined when nothing can be said, because that has changed since */
export type Check = () => Promise<boolean | undefined>

export class Sampler {
  readonly #counters: Counters
  readonly #log: Logger
  readonly #oneIn: number
  #hits = 0
  #running: Promise<void> | undefined

  /** @param oneIn  hits for each one that is checked */
  constructor(counters: Counters, log: Logger, oneIn: number) {
    this.#counters = counters
    this.#log = log
    this.#oneIn = oneIn
  }

  /** Counts a hit. @returns true when it is one to be checked */
  isDue(read: CachedRead): boolean {
    this.#hits += 1
    return this.#hits % this.#oneIn === 0 && read.comparable && this.#running === undefined
  }

  /** Nobody waits for what comes of it. */
  start(read: CachedRead, check: Check): void {
    this.#running = this.#run(read, check).finally(() => (this.#running = undefined))
  }

  /** Resolves when no check is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run({ resource, key }: CachedRead, check: Check): Promise<void> {
    // A database that cannot be read says nothing about the cache.
    const isRight = await check().catch(() => undefined)
    if (isRight === undefined) return
    this.#counters.count(resource, 'sampled')
    if (isRight) return
    this.#counters.count(resource, 'mismatched')
    this.#log.error({ resource, key }, 'the cache gave an answer that the database does not give')
  }
}
