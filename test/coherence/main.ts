// `npm run coherence`: three processes, nine faults, and a checker that says whether every read was right.
//   --quick               the taste that CI has, in less than two minutes
//   --only frozen,flush   some of the faults, without the controls
//   --modes naive         what has to be right instead of verified and fenced: a wrong recipe makes the run fail
//   --broken rule         and so does a rule of ours that is left out
//   --operations 5000     in each mode and under each fault
//   --slow 20             reads of the database take so many milliseconds
//   --seed 7              other random choices (so does SEED=7 before the command)
//   --rules mark,naive    nothing but what has to be found: rules of ours that are left out, and recipes
//   --more                adds what is found to the page of the last whole run
// A whole run writes bench/COHERENCE.md, anew after each fault, so that one that is stopped leaves what it has found; the others print only.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { npmBinaries } from '../../src/db/embedded/npm-binaries.ts'
import { seed as defaultSeed } from '../guarantees/support/amount.ts'
import { installedPostgres } from '../support/binaries.ts'
import { sweepServers } from '../support/postgres-server.ts'
import { serverUser } from '../support/server-user.ts'
import { type Servers, startServers } from './bed.ts'
import { type FaultName, faults } from './faults.ts'
import { FindingsFile } from './findings-file.ts'
import type { Values } from './load.ts'
import { type ModeName, modes } from './modes.ts'
import { page } from './page.ts'
import { planOf, type Run, type Wish } from './plan.ts'
import { type Finding, findingsOf, lines } from './report.ts'
import { type Outcome, runScenario } from './scenario.ts'
import { totals } from './totals.ts'
import { versionsOf } from './versions.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, '.plinth/coherence')

interface Options extends Wish {
  readonly more: boolean
}

function readOptions(): Options {
  const [text, word] = [{ type: 'string' }, { type: 'boolean' }] as const
  const options = { quick: word, more: word, only: text, modes: text, broken: text, operations: text, slow: text, seed: text, rules: text }
  const { values } = parseArgs({ options })
  const whole = (given: string | undefined): number | undefined => (given === undefined ? undefined : Number(given))
  return {
    quick: values.quick ?? false,
    more: values.more ?? false,
    seed: whole(values.seed) ?? defaultSeed,
    faults: known<FaultName>('--only', values.only, faults),
    modes: known<ModeName>('--modes', values.modes, modes) ?? ['verified', 'fenced'],
    operations: whole(values.operations),
    slowReadMs: whole(values.slow),
    broken: values.broken,
    rules: values.rules?.split(','),
  }
}

function known<name extends string>(option: string, text: string | undefined, names: Readonly<Record<name, unknown>>): name[] | undefined {
  const unknown = text?.split(',').filter((name) => !Object.hasOwn(names, name)) ?? []
  if (unknown.length > 0) throw new Error(`${option} knows ${Object.keys(names).join(', ')}, not ${unknown.join(', ')}.`)
  return text?.split(',') as name[] | undefined
}

/** Hears of every finding as soon as there is one, and of what the servers are. */
type Note = (findings: readonly Finding[], versions: readonly (readonly [string, string])[]) => void

/** @returns what has gone wrong otherwise */
async function runAll(rounds: readonly (readonly Run[])[], note: Note): Promise<string[]> {
  const binaries = installedPostgres() ?? (await npmBinaries(serverUser())) ?? ''
  const troubles: string[] = []
  const values = countedUp()
  for (const group of rounds.flatMap(groupsOf)) {
    const trouble = await runGroup(binaries, group, values, note).catch((error: unknown) => inspect(error))
    if (trouble !== undefined) troubles.push(`${group.map(({ scenario }) => scenario.fault).join(', ')}: ${trouble}`)
  }
  return troubles
}

async function runGroup(binaries: string, group: readonly Run[], values: Values, note: Note): Promise<undefined> {
  const servers = await startServers(binaries, group[0]?.standbys ?? 0)
  try {
    const versions = await versionsOf(servers)
    for (const run of group) note(await runOne(servers, run, values), versions)
  } finally {
    await servers.close()
  }
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

const options = readOptions()
const isWhole =
  !options.quick &&
  [options.faults, options.operations, options.slowReadMs, options.broken, options.rules].every((value) => value === undefined)
const file = new FindingsFile(join(folder, 'findings.jsonl'))
const findings: Finding[] = []
const note: Note = (found, versions) => {
  findings.push(...found)
  if (!isWhole && !options.more) return
  file.add(found)
  writeFileSync(join(root, 'bench/COHERENCE.md'), `${page(totals(file.all()), versions)}\n`)
}
console.log(`seed ${options.seed}`)
if (isWhole && !options.more) file.clear()
await sweepServers()
const troubles = await runAll(planOf(options), note)
const problems = findings.filter(({ problem }) => problem !== undefined)
for (const { title, fault, problem } of problems) console.log(`${title}, ${fault}: ${problem}.`)
for (const trouble of troubles) console.log(trouble)
console.log(`${findings.length - problems.length} of ${findings.length} as they should be`)
process.exitCode = problems.length + troubles.length === 0 ? 0 : 1
