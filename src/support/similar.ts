// "Perhaps you meant …": the known name that a mistyped one is closest to.

/** Longest name that is compared: typing mistakes are made in short names, and the cost grows with the square. */
const longest = 64

/**
 * The candidate closest to `name`, ignoring case, or undefined when none is close enough to be a typing mistake
 * (one edit up to four letters, two up to eight, three beyond). The first of equals wins.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > longest) return undefined
  let limit = name.length <= 4 ? 1 : name.length <= 8 ? 2 : 3
  let best: string | undefined
  const wanted = name.toLowerCase()
  for (const candidate of candidates) {
    if (candidate.length > longest) continue
    const distance = editDistance(wanted, candidate.toLowerCase(), limit)
    if (distance > limit) continue
    best = candidate
    limit = distance - 1
    if (limit < 0) break
  }
  return best
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours between two strings; `limit + 1` when there are more than `limit`.
 *
 * @see Damerau-Levenshtein, "optimal string alignment" variant
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = nextRow(a, b, row, previous, beforePrevious)
    if (Math.min(...current) > limit) return limit + 1
    beforePrevious = previous
    previous = current
  }
  return Math.min(previous[b.length] ?? 0, limit + 1)
}

function nextRow(a: string, b: string, row: number, previous: readonly number[], beforePrevious: readonly number[]): number[] {
  const current = [row]
  for (let column = 1; column <= b.length; column += 1) {
    const same = a[row - 1] === b[column - 1]
    let cost = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + (same ? 0 : 1))
    if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
      cost = Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1)
    }
    current.push(cost)
  }
  return current
}
