// Which runs there are: what has to be right under every fault, and what has to be found out.

import { type Control, controls } from './controls.ts'
import { type Fault, type FaultName, faults } from './faults.ts'
import type { ModeName } from './modes.ts'
import type { Scenario } from './scenario.ts'

export interface Run {
  /** What breaks the rules, and has to be found out; undefined for what has to be right. */
  readonly control?: string
  readonly scenario: Scenario
  /** Of PostgreSQL. */
  readonly standbys: number
}

export interface Wish {
  /** The taste that CI has. */
  readonly quick: boolean
  readonly seed: number
  /** These faults only, and no controls. */
  readonly faults?: readonly FaultName[]
  /** What has to be right; a recipe that is wrong makes the run fail. */
  readonly modes: readonly ModeName[]
  /** In each mode and under each fault. */
  readonly operations?: number
  readonly slowReadMs?: number
  /** Rules that the application is to break. */
  readonly broken?: string
  /** Nothing but the controls of these rules, and of these recipes. */
  readonly rules?: readonly string[]
}

/** In a round. */
const operations = { quick: 4_000, whole: 50_000 }
/** Each has other random choices; what is found early in one is not found after hours. */
const rounds = 4
const strikes = { quick: 1, whole: 6 }
/** Each failover takes a standby. */
const standbys = { quick: 1, whole: 3 }
const quickFaults: readonly FaultName[] = ['cut', 'old dump', 'kill -9', 'failover']
/** What was promised for the whole number of operations; each other fault has one round. */
const promised: readonly FaultName[] = ['none', 'frozen', 'cut', 'black hole', 'latency', 'flush', 'old dump', 'kill -9', 'failover']
const others = (Object.keys(faults) as FaultName[]).filter((name) => !promised.includes(name))
/** Near copies have one round, without the others, whom they would take the time. */
const nearOperations = 20_000

/** What is wrong has contradicted itself long before. */
const controlOperations = 100_000

/** In rounds, one after the other. */
export function planOf(wish: Wish): Run[][] {
  const { quick, rules, faults: names } = wish
  if (rules !== undefined) return [controls.whole.filter((control) => isWished(control, rules)).map((control) => controlRun(control, wish))]
  if (names !== undefined) return [rightRuns(names, wish)]
  if (quick) return [controls.quick.map((control) => controlRun(control, wish)), rightRuns(quickFaults, wish)]
  const nearWish: Wish = { ...wish, modes: ['near'], operations: wish.operations ?? nearOperations }
  return [
    controls.whole.map((control) => controlRun(control, wish)),
    ...Array.from({ length: rounds }, (_, round) => rightRuns(promised, { ...wish, seed: wish.seed + round })),
    rightRuns(others, wish),
    rightRuns(promised, nearWish),
  ]
}

function isWished({ broken, modes }: Control, rules: readonly string[]): boolean {
  return [...modes, broken].some((name) => name !== undefined && rules.includes(name))
}

function rightRuns(names: readonly FaultName[], wish: Wish): Run[] {
  return names.map((fault) => rightRun(fault, wish))
}

function rightRun(fault: FaultName, { quick, modes, seed, operations: wanted, slowReadMs: slow, broken }: Wish): Run {
  const size = quick ? 'quick' : 'whole'
  const behind = standbysFor(fault, size)
  return {
    standbys: behind,
    scenario: {
      fault,
      modes,
      seed,
      operations: wanted ?? operations[size],
      strikes: standbysUsed(fault) ? behind : strikes[size],
      slowReadMs: slow,
      broken,
    },
  }
}

function standbysFor(name: FaultName, size: keyof typeof standbys): number {
  const fault: Fault = faults[name]
  return fault.standbys === undefined ? 0 : fault.standbys === 'kept' ? 1 : standbys[size]
}

function standbysUsed(name: FaultName): boolean {
  const fault: Fault = faults[name]
  return fault.standbys === 'used'
}

function controlRun({ title, modes, fault, slowReadMs, broken }: Control, { seed }: Wish): Run {
  const scenario = { fault, modes, seed, operations: controlOperations, strikes: 0, slowReadMs, broken, untilViolated: true }
  return { control: title, standbys: standbysFor(fault, 'quick'), scenario }
}
