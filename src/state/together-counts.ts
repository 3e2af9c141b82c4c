// Hits of one key that come while others of it are being counted wait for those, and are then counted together: a key that everybody hits
// costs a process one count at a time, however many requests there are. The count stays exact.

import type { Counted } from './rate-counter.ts'

/** What became of one of the hits that were counted together. */
export interface Share {
  readonly allowed: boolean
  /** Hits in the window right after this one. */
  readonly used: number
  readonly resetMs: number
}

interface Waiting {
  resolve(shares: readonly Share[]): void
  reject(reason: unknown): void
}

export class TogetherCounts {
  /** Who waits behind the count that is under way, by name. */
  readonly #waiting = new Map<string, Waiting[]>()

  /**
   * @param name   hits of one name are alike: same key, limits and windows
   * @param count  counts so many of them, in each window those that were allowed before
   * @returns      one for each window that was asked
   */
  hit(name: string, count: (hits: number) => Promise<readonly Counted[]>): Promise<readonly Share[]> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(name)
      waiting?.push({ resolve, reject })
      if (waiting === undefined) void this.#run(name, [{ resolve, reject }], count)
    })
  }

  async #run(name: string, first: Waiting[], count: (hits: number) => Promise<readonly Counted[]>): Promise<void> {
    for (let group = first; group.length > 0; group = this.#waiting.get(name) ?? []) {
      this.#waiting.set(name, [])
      try {
        const counted = await count(group.length)
        group.forEach(({ resolve }, place) => resolve(sharesOf(counted, place)))
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#waiting.delete(name)
  }
}

/** Up to the window that refuses. */
function sharesOf(counted: readonly Counted[], place: number): readonly Share[] {
  const refusing = counted.findIndex(({ allowed }) => place >= allowed)
  return counted.slice(0, refusing === -1 ? counted.length : refusing + 1).map((one) => shareOf(one, place))
}

/** The first ones are allowed. */
function shareOf({ allowed, used, resetMs }: Counted, place: number): Share {
  const after = place < allowed ? used - allowed + place + 1 : used
  return { allowed: place < allowed, used: after, resetMs }
}
