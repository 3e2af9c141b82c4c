// `npm run containers [-- vitest arguments]`: examples/items-minimal in real containers. It needs a Docker engine with Compose and the base
// images of the example, and pulls nothing. Where they are missing it uses stand-ins: scripts that start an engine and make images of the
// same names from Debian's packages, in the folder PLINTH_STANDINS or beside this repository in shared/standins. Where there is neither,
// it says so loudly, and that is no failure.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installPackages, nodeProgram, root } from './install.mjs'
import { run } from './run.mjs'

const testsMs = 20 * 60_000
const engineMs = 10 * 60_000
const answerMs = 30_000

const example = join(root, 'examples/items-minimal')
const standins = process.env.PLINTH_STANDINS || join(root, '../shared/standins')
const vitestArguments = process.argv.slice(2)

installPackages()
const env = { ...process.env, CONTAINERS_PROJECT: `plinth-test-${randomBytes(4).toString('hex')}` }
const wasRunning = answers()
try {
  const problem = (await prepareEngine()) ?? (await prepareImages())
  if (problem === undefined) process.exitCode = await runTests()
  else sayNotTested(problem)
} finally {
  if (!wasRunning && hasStandins() && answers()) await standin('engine.sh', 'down')
}

/** @returns what is missing */
async function prepareEngine() {
  if (wasRunning && hasCompose()) return undefined
  if (!hasStandins()) return wasRunning ? 'Docker has no Compose' : 'no Docker engine answers'
  if ((await standin('engine.sh', 'up')) !== 0) return 'Docker cannot be started'
  Object.assign(env, exportsOf(read(join(standins, 'engine.sh'), 'env')))
  return answers() && hasCompose() ? undefined : 'Docker cannot be started'
}

async function prepareImages() {
  const missing = baseImages().filter((image) => !succeeds('docker', 'image', 'inspect', image))
  if (missing.length === 0) return undefined
  if (!hasStandins()) return `these images are not here, and nothing is pulled: ${missing.join(', ')}`
  return (await standin('build-standins.sh', ...missing)) === 0 ? undefined : `these images cannot be made: ${missing.join(', ')}`
}

/** What the example's own files name. */
function baseImages() {
  const named = [
    ['Dockerfile', /^FROM (\S+:\S+)/gm],
    ['docker-compose.yml', /^ +image: (\S+)$/gm],
  ]
  return [
    ...new Set(
      named.flatMap(([file, pattern]) => [...readFileSync(join(example, file), 'utf8').matchAll(pattern)].map(([, image]) => image)),
    ),
  ]
}

async function runTests() {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const config = join(root, 'test/containers/vitest.config.ts')
  const options = { cwd: root, env, deadlineMs: testsMs }
  const code = await run(nodeProgram(), [vitest, 'run', '--config', config, ...vitestArguments], options)
  if (code === 124) console.error(`The containers were stopped after ${testsMs / 60_000} minutes.`)
  if (code !== 0) removeRemains()
  return code
}

/** Tests remove what they have made; those that were stopped in the middle have not. */
function removeRemains() {
  const project = env.CONTAINERS_PROJECT
  succeeds('docker', 'compose', '--project-name', project, 'down', '--volumes', '--remove-orphans', '--timeout', '5')
  succeeds('docker', 'image', 'rm', '--force', `${project}-backend`)
}

/** In the sum of all stages it is a skipped test. */
function sayNotTested(problem) {
  console.error(`\n${'!'.repeat(100)}\n!!! THE CONTAINERS ARE NOT TESTED: ${problem}.\n${'!'.repeat(100)}\n`)
  const results = vitestArguments.find((argument) => argument.startsWith('--outputFile.json='))?.split('=')[1]
  if (results === undefined) return
  mkdirSync(dirname(join(root, results)), { recursive: true })
  writeFileSync(join(root, results), JSON.stringify({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 1 }))
}

function hasStandins() {
  return existsSync(join(standins, 'engine.sh')) && existsSync(join(standins, 'build-standins.sh'))
}

function standin(script, ...args) {
  return run(join(standins, script), args, { cwd: root, env, deadlineMs: engineMs })
}

function answers() {
  return succeeds('docker', 'info')
}

function hasCompose() {
  return succeeds('docker', 'compose', 'version')
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { cwd: root, env, stdio: 'ignore', timeout: answerMs }).status === 0
}

function read(command, ...args) {
  return spawnSync(command, args, { cwd: root, env, encoding: 'utf8', timeout: answerMs }).stdout
}

/** `export NAME='value'`, one a line. */
function exportsOf(text) {
  return Object.fromEntries([...text.matchAll(/^export (\w+)='([^']*)'$/gm)].map(([, name, value]) => [name, value]))
}
