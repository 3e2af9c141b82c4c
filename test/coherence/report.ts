// What runs found, as lines while they run and as the tables of bench/COHERENCE.md.

import { explain } from './explain.ts'
import { faults } from './faults.ts'
import type { History, Tally } from './history.ts'
import type { ModeName } from './modes.ts'
import type { Outcome, Scenario } from './scenario.ts'

const shown = 3

/** One for each mode of a run. */
export interface Finding {
  readonly title: string
  readonly fault: string
  readonly mode: ModeName
  /** What breaks the rules, for a control; undefined for what has to be right. */
  readonly control: string | undefined
  readonly tally: Tally
  readonly strikes: number
  readonly seconds: number
  readonly seed: number
  readonly violations: readonly string[]
  readonly problem: string | undefined
}

export function findingsOf(outcome: Outcome, control?: string): Finding[] {
  return [...outcome.histories].map(([mode, history]) => findingOf(outcome, mode, history, control))
}

function findingOf({ scenario, strikes, seconds }: Outcome, mode: ModeName, history: History, control: string | undefined): Finding {
  const { title } = faults[scenario.fault]
  const violations = history.check().map(explain)
  const { tally } = history
  return {
    title: control ?? mode,
    fault: title,
    mode,
    control,
    tally,
    strikes,
    seconds,
    seed: scenario.seed,
    violations,
    problem: problemOf(scenario, tally, violations.length, control),
  }
}

function problemOf({ fault }: Scenario, tally: Tally, violations: number, control: string | undefined): string | undefined {
  if (control !== undefined) return violations > 0 ? undefined : 'a wrong recipe was not found out'
  if (violations > 0) return 'reads and writes contradict each other'
  return failed(tally) > 0 && !faults[fault].mayFail ? 'requests failed' : undefined
}

export function failed({ failures }: Tally): number {
  return [...failures.values()].reduce((sum, count) => sum + count, 0)
}

/** Hits of the cache among the reads that say, all or those of some forms; undefined when none does. */
export function hitRatio({ cache }: Tally, forms = '.*'): number | undefined {
  const sum = (states: string): number => {
    const counted = [...cache].filter(([name]) => new RegExp(`^(?:${forms}) (?:${states})$`).test(name))
    return counted.reduce((total, [, count]) => total + count, 0)
  }
  const all = sum('hit|near|miss|bypass')
  return all === 0 ? undefined : sum('hit|near') / all
}

/** Reads of one record by its key, which the fenced mode has a way of its own for. */
export const byKey = 'record|fields'

/** For the terminal. */
export function lines(finding: Finding): string {
  const { title, fault, tally, violations, problem, strikes, seconds } = finding
  const ratio = hitRatio(tally)
  const numbers = [
    `${tally.operations} operations in ${seconds.toFixed(0)} s`,
    `${tally.writes} writes`,
    `${violations.length} violations`,
    `${failed(tally)} failed`,
    `${tally.unknown} unknown`,
    `longest write ${tally.longestWriteMs.toFixed(0)} ms, read ${tally.longestReadMs.toFixed(0)} ms`,
    ...(ratio === undefined ? [] : [`${percent(ratio)} hits`]),
  ]
  const failures = [...tally.failures].map(([name, count]) => `    ${count} × ${name}`)
  const details = [...failures, ...violations.slice(0, shown).map((text) => `    ${text}`)]
  return [`${problem === undefined ? 'ok  ' : 'FAIL'} ${title}, ${fault} (${strikes} times): ${numbers.join(', ')}`, ...details].join('\n')
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`
}
