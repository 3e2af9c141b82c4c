// One run: servers, three processes, clients of one or more modes, and a fault that strikes again and again.

import { setTimeout as sleep } from 'node:timers/promises'
import { randomFrom } from '../guarantees/support/random.ts'
import { databaseAt, registersOf, type Servers, settle, startProcesses } from './bed.ts'
import { type Fault, type FaultName, faults } from './faults.ts'
import { History } from './history.ts'
import { type Load, startLoad, type Values } from './load.ts'
import { type ModeName, modes } from './modes.ts'
import { startOutsideWriter } from './outside-writer.ts'
import type { AppProcess } from './processes.ts'
import { slowDown } from './slow-reads.ts'

export interface Scenario {
  readonly fault: FaultName
  readonly modes: readonly ModeName[]
  /** In each mode, at least. */
  readonly operations: number
  /** How often the fault strikes, at least. */
  readonly strikes: number
  /** Every read of the database takes this long: what joins a read under way is found out only then. */
  readonly slowReadMs?: number
  /** Rules that the processes are to break. */
  readonly broken?: string
  /** Ends the run as soon as every mode has contradicted itself: for those that have to. */
  readonly untilViolated?: boolean
  readonly seed: number
}

export interface Outcome {
  readonly scenario: Scenario
  readonly histories: ReadonlyMap<ModeName, History>
  readonly strikes: number
  readonly seconds: number
}

const clientsPerProcess = 4
/** Between two strikes, so that what was switched off comes back. */
const pauseMs = { least: 2_500, most: 5_000 }
const lookMs = 1_000
const longestMs = 15 * 60_000

export async function runScenario(servers: Servers, scenario: Scenario, values: Values): Promise<Outcome> {
  const held = await settle(servers, scenario.modes)
  const histories = new Map([...held].map(([name, initial]) => [name, new History(initial, modes[name].nearMs)]))
  await slowDown(servers, scenario.modes, scenario.slowReadMs ?? 0)
  const processes = await startProcesses(servers, scenario.broken === undefined ? {} : { BROKEN: scenario.broken })
  const begin = performance.now()
  const loads = [...histories].flatMap(([name, history]) => startLoads(servers, processes, name, history, values, scenario.seed))
  try {
    const strikes = await strikeUntilDone(servers, processes, scenario, histories)
    await Promise.all(loads.map((load) => load.stop()))
    return { scenario, histories, strikes, seconds: (performance.now() - begin) / 1_000 }
  } finally {
    await Promise.all(processes.map((process) => process.kill()))
    await Promise.all(loads.map((load) => load.stop()))
    await slowDown(servers, scenario.modes, 0)
  }
}

function startLoads(
  { databaseUrl }: Servers,
  processes: readonly AppProcess[],
  name: ModeName,
  history: History,
  values: Values,
  seed: number,
): Load[] {
  const mode = modes[name]
  const ports = processes.map((process) => () => process.port)
  const load = startLoad({ mode, history, values, ports, clientsPerProcess, seed })
  return mode.outside === undefined ? [load] : [load, startOutsideWriter({ mode, history, values, databaseUrl, seed })]
}

/** @returns how often the fault has struck */
async function strikeUntilDone(
  servers: Servers,
  processes: readonly AppProcess[],
  scenario: Scenario,
  histories: ReadonlyMap<ModeName, History>,
): Promise<number> {
  const random = randomFrom(scenario.seed)
  const deadline = performance.now() + longestMs
  const all = [...histories.values()]
  const isFound = (): boolean => scenario.untilViolated === true && all.every((history) => history.check().length > 0)
  const isEnough = (): boolean => all.every(({ tally }) => tally.operations >= scenario.operations)
  const lost = async (url: string): Promise<void> => {
    const kept = await registersOf(databaseAt(url), [...histories.keys()])
    for (const [name, history] of histories) history.restart(kept.get(name) ?? history.initial)
  }
  let strikes = 0
  for (;;) {
    for (let left = pauseMs.least + random.below(pauseMs.most - pauseMs.least); left > 0; left -= lookMs) {
      await sleep(Math.min(left, lookMs))
      if (isFound() || (isEnough() && strikes >= scenario.strikes)) return strikes
    }
    if (performance.now() > deadline) throw new Error(`The run was not over after ${longestMs / 60_000} minutes.`)
    if (usesStandbys(scenario.fault) && servers.cluster.standbys() === 0) continue
    await faults[scenario.fault].strike({ servers, processes, random, lost })
    strikes += 1
  }
}

function usesStandbys(name: FaultName): boolean {
  const fault: Fault = faults[name]
  return fault.standbys === 'used'
}
