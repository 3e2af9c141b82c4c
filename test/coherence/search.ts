// The same question as `checker.ts`, answered by trying every order: for small histories, as the measure of the fast test.

import type { Read, RegisterHistory } from './checker.ts'

interface Operation extends Read {
  readonly isWrite: boolean
}

export function isLinearizableBySearch({ initial, writes, reads }: RegisterHistory): boolean {
  const operations = [...writes.map((write) => ({ ...write, isWrite: true })), ...reads.map((read) => ({ ...read, isWrite: false }))]
  return canGoOn(initial, operations)
}

/** Any operation may be next that began before every other one had ended; what has no answer need not happen. */
function canGoOn(value: number, left: readonly Operation[]): boolean {
  const firstEnd = Math.min(...left.map(({ end }) => end))
  if (firstEnd === Infinity) return true
  return left.some((next) => {
    const isPossible = next.begin <= firstEnd && (next.isWrite || next.value === value)
    return (
      isPossible &&
      canGoOn(
        next.isWrite ? next.value : value,
        left.filter((other) => other !== next),
      )
    )
  })
}
