// The long form: `node --conditions=source test/coherence/model/main.ts`. Says what was searched, and ends with 1 when something stale was found.

import { long, worldWithout } from './configurations.ts'
import { type Configuration, explore } from './explore.ts'
import { type Rule, ruleNames, rules } from './rules.ts'

/** About 6 GB of memory. */
const mostStates = 12_000_000

function search(configuration: Configuration): boolean {
  const startedAt = performance.now()
  const { states, depth, exhausted, counterexample } = explore(configuration, undefined, mostStates)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  const found = counterexample === undefined ? 'nothing stale' : `STALE: ${counterexample.join(' | ')}`
  console.log(`${configuration.name}: ${states} states${exhausted ? '' : ', not all'}, ${depth} deep, ${seconds} s: ${found}`)
  return counterexample === undefined
}

function isNeeded(rule: Rule): boolean {
  const { counterexample } = explore(worldWithout[rule], rule, mostStates)
  console.log(`without "${rules[rule]}": ${counterexample === undefined ? 'NOTHING FOUND' : counterexample.join(' | ')}`)
  return counterexample !== undefined
}

const results = [...ruleNames.map(isNeeded), ...long.map(search)]
process.exitCode = results.every(Boolean) ? 0 : 1
