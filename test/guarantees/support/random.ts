// Random choices that can be made again.

export interface Random {
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number
  pick<item>(items: readonly item[]): item
  /** True in one of `times` cases. */
  once(times: number): boolean
}

/** Marsaglia's xorshift with 32 bits: the same numbers from the same seed. */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 2_654_435_761) | 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const below = (limit: number): number => next() % limit
  return {
    below,
    pick<item>(items: readonly item[]): item {
      const found = items[below(items.length)]
      if (found === undefined) throw new Error('There is nothing to pick from.')
      return found
    },
    once: (times) => below(times) === 0,
  }
}
