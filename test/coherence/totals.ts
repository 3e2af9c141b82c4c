// The same run, made several times with other seeds: its findings as one.

import type { Tally } from './history.ts'
import type { Finding } from './report.ts'

/** In the order in which each was first made. */
export function totals(findings: readonly Finding[]): Finding[] {
  return [...Map.groupBy(findings, ({ title, fault, mode }) => [title, fault, mode].join('\n')).values()].map((same) =>
    same.reduce(together),
  )
}

function together(one: Finding, other: Finding): Finding {
  return {
    ...one,
    tally: bothTallies(one.tally, other.tally),
    strikes: one.strikes + other.strikes,
    seconds: one.seconds + other.seconds,
    violations: [...one.violations, ...other.violations],
    problem: one.problem ?? other.problem,
  }
}

function bothTallies(one: Tally, other: Tally): Tally {
  return {
    operations: one.operations + other.operations,
    writes: one.writes + other.writes,
    refused: one.refused + other.refused,
    failures: bothCounts(one.failures, other.failures),
    unknown: one.unknown + other.unknown,
    longestReadMs: Math.max(one.longestReadMs, other.longestReadMs),
    longestWriteMs: Math.max(one.longestWriteMs, other.longestWriteMs),
    cache: bothCounts(one.cache, other.cache),
  }
}

function bothCounts(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): Map<string, number> {
  const names = new Set([...one.keys(), ...other.keys()])
  return new Map([...names].map((name) => [name, (one.get(name) ?? 0) + (other.get(name) ?? 0)]))
}
