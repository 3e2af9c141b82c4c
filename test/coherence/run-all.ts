// Runs one after the other, on servers that they share as long as nothing but the application breaks.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { npmBinaries } from '../../src/db/embedded/npm-binaries.ts'
import { installedPostgres } from '../support/binaries.ts'
import { serverUser } from '../support/server-user.ts'
import { type Servers, startServers } from './bed.ts'
import type { Values } from './load.ts'
import type { Run } from './plan.ts'
import { type Finding, findingsOf, lines } from './report.ts'
import { type Outcome, runScenario } from './scenario.ts'
import { versionsOf } from './versions.ts'

interface Surroundings {
  /** Of PostgreSQL. */
  readonly binaries: string
  readonly folder: string
  readonly values: Values
  readonly note: Note
}

/** Hears of every finding as soon as there is one, and of what the servers are. */
export type Note = (findings: readonly Finding[], versions: readonly (readonly [string, string])[]) => void

/**
 * @param folder  for histories that contradict themselves
 * @returns       what has gone wrong otherwise
 */
export async function runAll(rounds: readonly (readonly Run[])[], folder: string, note: Note): Promise<string[]> {
  const binaries = installedPostgres() ?? (await npmBinaries(serverUser())) ?? ''
  const troubles: string[] = []
  const values = countedUp()
  for (const group of rounds.flatMap(groupsOf)) {
    for (let left = group; left.length > 0;) {
      const tried = await runUntilTrouble({ binaries, folder, values, note }, left)
      left = tried.left
      if (tried.trouble !== undefined) troubles.push(tried.trouble)
    }
  }
  return troubles
}

/** On servers of their own; those that are left when one has ended in trouble need others. */
async function runUntilTrouble(surroundings: Surroundings, runs: readonly Run[]): Promise<{ left: readonly Run[]; trouble?: string }> {
  let current = 0
  try {
    const servers = await startServers(surroundings.binaries, runs[0]?.standbys ?? 0)
    try {
      const versions = await versionsOf(servers)
      for (; current < runs.length; current += 1) {
        const run = runs[current]
        if (run !== undefined) surroundings.note(await runOne(servers, run, surroundings), versions)
      }
    } finally {
      await servers.close()
    }
    return { left: [] }
  } catch (error) {
    return { left: runs.slice(current + 1), trouble: `${runs[current]?.scenario.fault}: ${inspect(error)}` }
  }
}

/** Runs share their servers, but those that use up standbys. */
function groupsOf(runs: readonly Run[]): (readonly Run[])[] {
  const lasting = runs.filter(({ standbys }) => standbys === 0)
  const single = runs.filter(({ standbys }) => standbys > 0)
  return [...(lasting.length > 0 ? [lasting] : []), ...single.map((run) => [run])]
}

async function runOne(servers: Servers, { scenario, control }: Run, { values, folder }: Surroundings): Promise<Finding[]> {
  const outcome = await runScenario(servers, scenario, values)
  const findings = findingsOf(outcome, control)
  for (const finding of findings) console.log(lines(finding))
  if (findings.some(({ problem, control: wanted }) => problem !== undefined && wanted === undefined)) keep(outcome, servers, folder)
  return findings
}

function countedUp(): Values {
  let value = 0
  return { next: () => (value += 1) }
}

/** For whoever looks for the reason. */
function keep({ scenario, histories }: Outcome, { complaints }: Servers, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${scenario.fault.replaceAll(' ', '-')}-${scenario.seed}`)
  const registers = [...histories].flatMap(([mode, history]) =>
    history.keys.map((key) => ({
      mode,
      key,
      initial: history.initial.get(key),
      writes: history.writesOf(key),
      reads: history.readsOf(key),
    })),
  )
  writeFileSync(`${file}.json`, registers.map((register) => JSON.stringify(register)).join('\n'))
  writeFileSync(`${file}.log`, complaints())
  console.log(`    The history is in ${file}.json, what the processes complained about in ${file}.log.`)
}
