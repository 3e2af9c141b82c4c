// Which runs there are: what has to be right under every fault, and what has to be found out.

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
}

const operations = { quick: 5_000, whole: 200_000 }
const strikes = { quick: 1, whole: 6 }
/** Each failover takes a standby. */
const standbys = { quick: 1, whole: 3 }
const quickFaults: readonly FaultName[] = ['cut', 'old dump', 'kill -9', 'failover']

/** A wrong recipe has contradicted itself long before. */
const controlOperations = 100_000
const slowReadMs = 20

/** A recipe, or a rule of ours that is left out. */
interface Control {
  readonly title: string
  readonly mode: ModeName
  readonly fault: FaultName
  readonly slowReadMs?: number
  readonly broken?: string
}

const controls: readonly Control[] = [
  { title: 'cache-aside with DEL after the commit', mode: 'naive', fault: 'none' },
  { title: 'singleflight that late readers join', mode: 'joined', fault: 'none', slowReadMs },
]

export function planOf(wish: Wish): Run[] {
  const names = wish.faults ?? (wish.quick ? quickFaults : (Object.keys(faults) as FaultName[]))
  const right = names.map((fault) => rightRun(fault, wish))
  return wish.faults === undefined ? [...controls.map((control) => controlRun(control, wish)), ...right] : right
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

function controlRun({ title, mode, fault, slowReadMs: slow, broken }: Control, { seed }: Wish): Run {
  const scenario = { fault, modes: [mode], seed, operations: controlOperations, strikes: 0, slowReadMs: slow, broken, untilViolated: true }
  return { control: title, standbys: standbysFor(fault, 'quick'), scenario }
}
