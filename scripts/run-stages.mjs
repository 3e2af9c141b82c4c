// `node scripts/run-stages.mjs check|ci [stage ...]`: runs the stages one after another, all of them even when one fails, and sums up.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { installPackages, root } from './install.mjs'
import { run } from './run.mjs'
import { checks, ciStages } from './stages.mjs'

const lists = { check: checks, ci: ciStages }
const defaultMinutes = 10
const longestMessage = 2_000

const [listName, ...wanted] = process.argv.slice(2)
const stages = choose(lists[listName] ?? [], wanted)
installPackages()
const outcomes = []
for (const stage of stages) outcomes.push(await runStage(stage))
report(outcomes)

function choose(list, names) {
  const known = list.map((stage) => stage.name)
  const unknown = names.filter((name) => !known.includes(name))
  if (list.length === 0 || unknown.length > 0) {
    console.error(`usage: run-stages.mjs ${Object.keys(lists).join('|')} [${known.join('|') || 'stage'} ...]`)
    process.exit(2)
  }
  return names.length === 0 ? list : list.filter((stage) => names.includes(stage.name))
}

async function runStage({ name, command, minutes = defaultMinutes, results }) {
  console.log(`\n=== ${name}: ${command.join(' ')}`)
  if (results !== undefined) rmSync(join(root, results), { force: true })
  const begin = performance.now()
  const code = await runCommand(command, minutes)
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  console.log(
    `=== ${name} ${code === 0 ? 'passed' : `FAILED (${code === 124 ? `stopped after ${minutes} min` : `exit ${code}`})`} in ${seconds} s`,
  )
  return { name, code, ...count(code, results) }
}

async function runCommand([program, ...args], minutes) {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  try {
    return await run(program, args, { cwd: root, env: { ...process.env, PATH: path }, deadlineMs: minutes * 60_000 })
  } catch (error) {
    console.error(error.message)
    return 127
  }
}

/** A stage counts as one, a test run as its tests. A test run that failed without a failed test (a file that does not load) has one failure. */
function count(code, results) {
  const summary =
    results !== undefined && existsSync(join(root, results)) ? JSON.parse(readFileSync(join(root, results), 'utf8')) : undefined
  if (summary === undefined) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
  return {
    passed: summary.numPassedTests,
    failed: Math.max(summary.numFailedTests, code === 0 ? 0 : 1),
    skipped: summary.numPendingTests,
    failures: (summary.testResults ?? []).flatMap(failuresOf),
  }
}

function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(root, name)
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (status === 'failed' && failed.length === 0) return [{ test: file, message }]
  return failed.map((test) => ({ test: `${file} > ${test.fullName}`, message: test.failureMessages.join('\n') }))
}

function report(list) {
  const failedStages = list.filter((outcome) => outcome.code !== 0).map((outcome) => outcome.name)
  const skipped = sum(list, 'skipped')
  // At the end once more: of a long output often only the end is kept.
  for (const { name, failures = [] } of list)
    for (const { test, message } of failures) console.log(`\n${name}: ${test}\n${message.slice(0, longestMessage)}`)
  console.log(
    `\n${list.length === 1 ? '1 stage' : `${list.length} stages`}, ${failedStages.length === 0 ? 'all passed' : `failed: ${failedStages.join(', ')}`}`,
  )
  if (skipped > 0) console.log(`${skipped} tests skipped`)
  console.log(`${sum(list, 'passed')} passed, ${sum(list, 'failed')} failed`)
  process.exitCode = failedStages.length === 0 ? 0 : 1
}

function sum(list, key) {
  return list.reduce((total, outcome) => total + (outcome[key] ?? 0), 0)
}
