// `npm run coherence`: three processes, nine faults, and a checker that says whether every read was right.
//   --quick               the taste that CI has, in less than two minutes
//   --only frozen,flush   some of the faults, without the controls
//   --modes naive         what has to be right instead of verified and fenced: a wrong recipe makes the run fail
//   --broken rule         and so does a rule of ours that is left out
//   --operations 5000     in each mode and under each fault
//   --slow 20             reads of the database take so many milliseconds
//   --seed 7              other random choices (so does SEED=7 before the command)
// A whole run writes bench/COHERENCE.md; the others print only.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { npmBinaries } from '../../src/db/embedded/npm-binaries.ts'
import { seed as defaultSeed } from '../guarantees/support/amount.ts'
import { installedPostgres } from '../support/binaries.ts'
import { sweepServers } from '../support/postgres-server.ts'
import { serverUser } from '../support/server-user.ts'
import { type Servers, startServers } from './bed.ts'
import { type FaultName, faults } from './faults.ts'
import type { Values } from './load.ts'
import { type ModeName, modes } from './modes.ts'
import { page } from './page.ts'
import { planOf, type Run, type Wish } from './plan.ts'
import { type Finding, findingsOf, lines } from './report.ts'
import { type Outcome, runScenario } from './scenario.ts'
import { versionsOf } from './versions.ts'

const root = join(import.meta.dirname, '../..')

function readWish(): Wish {
  const text = { type: 'string' } as const
  const options = { quick: { type: 'boolean' }, only: text, modes: text, broken: text, operations: text, slow: text, seed: text } as const
  const { values } = parseArgs({ options })
  const whole = (given: string | undefined): number | undefined => (given === undefined ? undefined : Number(given))
  return {
    quick: values.quick ?? false,
    seed: whole(values.seed) ?? defaultSeed,
    faults: known<FaultName>('--only', values.only, faults),
    modes: known<ModeName>('--modes', values.modes, modes) ?? ['verified', 'fenced'],
    operations: whole(values.operations),
    slowReadMs: whole(values.slow),
    broken: values.broken,
  }
}

function known<name extends string>(option: string, text: string | undefined, names: Readonly<Record<name, unknown>>): name[] | undefined {
  const unknown = text?.split(',').filter((name) => !Object.hasOwn(names, name)) ?? []
  if (unknown.length > 0) throw new Error(`${option} knows ${Object.keys(names).join(', ')}, not ${unknown.join(', ')}.`)
  return text?.split(',') as name[] | undefined
}

async function runAll(runs: readonly Run[]): Promise<{ findings: Finding[]; versions: readonly (readonly [string, string])[] }> {
  const binaries = installedPostgres() ?? (await npmBinaries(serverUser())) ?? ''
  const findings: Finding[] = []
  const values = countedUp()
  let versions: readonly (readonly [string, string])[] = []
  for (const group of groupsOf(runs)) {
    const servers = await startServers(binaries, group[0]?.standbys ?? 0)
    try {
      versions = await versionsOf(servers)
      for (const run of group) findings.push(...(await runOne(servers, run, values)))
    } finally {
      await servers.close()
    }
  }
  return { findings, versions }
}

/** Runs share their servers, but those that use up standbys. */
function groupsOf(runs: readonly Run[]): (readonly Run[])[] {
  const lasting = runs.filter(({ standbys }) => standbys === 0)
  const single = runs.filter(({ standbys }) => standbys > 0)
  return [...(lasting.length > 0 ? [lasting] : []), ...single.map((run) => [run])]
}

async function runOne(servers: Servers, { scenario, control }: Run, values: Values): Promise<Finding[]> {
  const outcome = await runScenario(servers, scenario, values)
  const findings = findingsOf(outcome, control)
  for (const finding of findings) console.log(lines(finding))
  if (findings.some(({ problem, control: wanted }) => problem !== undefined && wanted === undefined)) keep(outcome, servers)
  return findings
}

function countedUp(): Values {
  let value = 0
  return { next: () => (value += 1) }
}

/** For whoever looks for the reason. */
function keep({ scenario, histories }: Outcome, { complaints }: Servers): void {
  const folder = join(root, '.plinth/coherence')
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

const wish = readWish()
const isWhole = !wish.quick && [wish.faults, wish.operations, wish.slowReadMs, wish.broken].every((value) => value === undefined)
console.log(`seed ${wish.seed}`)
await sweepServers()
const { findings, versions } = await runAll(planOf(wish))
if (isWhole) writeFileSync(join(root, 'bench/COHERENCE.md'), `${page(findings, wish.seed, versions)}\n`)
const problems = findings.filter(({ problem }) => problem !== undefined)
for (const { title, fault, problem } of problems) console.log(`${title}, ${fault}: ${problem}.`)
console.log(`${findings.length - problems.length} of ${findings.length} as they should be`)
process.exitCode = problems.length === 0 ? 0 : 1
