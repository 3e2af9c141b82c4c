// What near copies promise: less than linearizability, in two parts. Every answer was right at some moment at most `nearMs` before it was
// asked for; and who has written through a process does not read older things there.

import { checkRegister, type Read, type RegisterHistory, type Violation, type Write } from './checker.ts'

/** A read that may be late is one that began so much earlier. */
export function checkNear(history: RegisterHistory, nearMs: number): Violation[] {
  const reads = history.reads.map((read) => ({ ...read, begin: read.begin - nearMs }))
  return [...checkRegister({ ...history, reads }), ...checkOwnWrites(history)]
}

/** A read after a write of its own process must not return what was replaced before that write began. */
export function checkOwnWrites({ initial, writes, reads }: RegisterHistory): Violation[] {
  const byValue = new Map([{ value: initial, begin: -Infinity, end: -Infinity }, ...writes].map((write) => [write.value, write]))
  return [...new Set(reads.map(({ by }) => by))].flatMap((by) =>
    processViolations(
      writes.filter((write) => write.by === by),
      reads.filter((read) => read.by === by),
      byValue,
    ),
  )
}

function processViolations(writes: readonly Write[], reads: readonly Read[], byValue: ReadonlyMap<number, Write>): Violation[] {
  const violations: Violation[] = []
  const answered = writes.toSorted((a, b) => a.end - b.end)
  let latest: Write | undefined
  let next = 0
  for (const read of reads.toSorted((a, b) => a.begin - b.begin)) {
    for (let write = answered[next]; write !== undefined && write.end < read.begin; write = answered[next]) {
      if (latest === undefined || write.begin > latest.begin) latest = write
      next += 1
    }
    const source = byValue.get(read.value)
    if (latest !== undefined && source !== undefined && source.end < latest.begin)
      violations.push({ kind: 'own write unseen', read, write: latest })
  }
  return violations
}
