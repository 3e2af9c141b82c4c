// A contradiction in words that a person can follow: what was written when, and who saw it.

import type { Cluster, Read, Violation, Write } from './checker.ts'
import { type KeyViolation, missing } from './history.ts'

/** Times in milliseconds after the beginning of the earliest operation that is shown. */
export function explain({ key, violation }: KeyViolation): string {
  const start = beginOf(violation)
  const write = ({ value, begin, end }: Write): string =>
    begin === -Infinity ? `${value}, which was there before` : `${value}, written ${span(begin, end, start)}`
  const read = ({ begin, end }: Read): string => `read ${span(begin, end, start)}`
  const cluster = ({ write: source, reads }: Cluster): string => {
    const seen = [...firstAndLast(reads)].map(read)
    return `${write(source)}${seen.length === 0 ? ', read by nobody' : `, ${seen.join(', then ')}`}`
  }
  switch (violation.kind) {
    case 'never written':
      if (violation.read.value === missing) return `Key ${key} was not in what was ${read(violation.read)}.`
      return `Key ${key}: ${violation.read.value} was ${read(violation.read)} and written by nobody, or by somebody who was refused.`
    case 'from the future':
      return `Key ${key}: ${write(violation.write)}, was ${read(violation.read)}.`
    case 'own write unseen':
      return `Key ${key}: process ${violation.read.by} had acknowledged ${write(violation.write)}; then ${violation.read.value} was ${read(violation.read)} there.`
    case 'inside':
      return `Key ${key}: ${cluster(violation.inner)}; but before and after that there was ${cluster(violation.outer)}.`
    case 'back and forth':
      return `Key ${key}: each was there after the other: ${cluster(violation.inner)}; ${cluster(violation.outer)}.`
  }
}

/** By the end of the first and the beginning of the last: the two that contradict. */
function firstAndLast(reads: readonly Read[]): Set<Read> {
  const [first] = reads.toSorted((a, b) => a.end - b.end)
  const last = reads.toSorted((a, b) => a.begin - b.begin).at(-1)
  return new Set([first, last].filter((read) => read !== undefined))
}

function beginOf(violation: Violation): number {
  const clusters = 'inner' in violation ? [violation.inner, violation.outer] : []
  const single = 'read' in violation ? [violation.read, ...('write' in violation ? [violation.write] : [])] : []
  const operations = [...single, ...clusters.flatMap(({ write, reads }) => [write, ...firstAndLast(reads)])]
  return Math.min(...operations.map(({ begin }) => begin).filter(Number.isFinite))
}

function span(begin: number, end: number, start: number): string {
  return `${(begin - start).toFixed(2)}–${end === Infinity ? '?' : (end - start).toFixed(2)} ms`
}
