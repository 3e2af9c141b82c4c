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

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seed as defaultSeed } from '../guarantees/support/amount.ts'
import { sweepServers } from '../support/postgres-server.ts'
import { type FaultName, faults } from './faults.ts'
import { FindingsFile } from './findings-file.ts'
import { type ModeName, modes } from './modes.ts'
import { page } from './page.ts'
import { planOf, type Wish } from './plan.ts'
import type { Finding } from './report.ts'
import { type Note, runAll } from './run-all.ts'
import { totals } from './totals.ts'

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
const troubles = await runAll(planOf(options), folder, note)
const problems = findings.filter(({ problem }) => problem !== undefined)
for (const { title, fault, problem } of problems) console.log(`${title}, ${fault}: ${problem}.`)
for (const trouble of troubles) console.log(trouble)
console.log(`${findings.length - problems.length} of ${findings.length} as they should be`)
process.exitCode = problems.length + troubles.length === 0 ? 0 : 1
