import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryWith } from './repository.ts'

const example = {
  'examples/items-minimal/Dockerfile': 'FROM node:24 AS build\nFROM node:24\n',
  'examples/items-minimal/docker-compose.yml': 'services:\n  redis:\n    image: redis:7\n',
}

interface Machine {
  /** Whether a Docker engine runs before anything is done. */
  readonly runs: boolean
  readonly images: readonly string[]
  /** Whether there are scripts that start one, and make images. */
  readonly standins?: boolean
  /** What the tests end with. */
  readonly tests?: number
}

/** Runs the script in a small repository beside a `docker` that only knows these things. */
function containers({ runs, images, standins = false, tests = 0 }: Machine) {
  const folder = repositoryWith({ ...example, 'node_modules/vitest/vitest.mjs': vitest(tests) })
  const at = (path: string): string => join(folder, path)
  program(at('bin/docker'), docker)
  if (standins) {
    program(at('../shared/standins/engine.sh'), engine)
    program(
      at('../shared/standins/build-standins.sh'),
      'echo "build $*" >> "$STATE/calls"; for image; do echo "$image" >> "$STATE/images"; done',
    )
  }
  mkdirSync(at('state'))
  writeFileSync(at('state/images'), images.map((image) => `${image}\n`).join(''))
  if (runs) writeFileSync(at('state/runs'), '')
  const env = { PATH: [at('bin'), process.env['PATH']].join(delimiter), STATE: at('state') }
  const args = ['scripts/containers.mjs', '--outputFile.json=results.json']
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  const read = (path: string): string => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : '')
  return {
    status,
    stderr,
    calls: read('state/calls').trim().split('\n'),
    results: read('results.json'),
    runs: existsSync(at('state/runs')),
  }
}

/** Keeps a list of what would change something. */
const docker = `case "$*" in
  info|'compose version') [ -e "$STATE/runs" ] ;;
  'image inspect '*) grep -qx "$3" "$STATE/images" ;;
  *) echo "docker $*" >> "$STATE/calls" ;;
esac`

const engine = `case $1 in
  up) echo up >> "$STATE/calls"; touch "$STATE/runs" ;;
  env) echo "export DOCKER_CONFIG='/plugins'" ;;
  down) echo down >> "$STATE/calls"; rm "$STATE/runs" ;;
esac`

function vitest(code: number): string {
  return `import { appendFileSync } from 'node:fs'
    appendFileSync(process.env.STATE + '/calls', 'tests with ' + process.env.DOCKER_CONFIG + '\\n')
    process.exit(${code})`
}

function program(path: string, script: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

const all = ['node:24', 'redis:7']
const skipped = '{"numPassedTests":0,"numFailedTests":0,"numPendingTests":1}'

test('with an engine and its images the tests run; nothing is started, made or stopped', () => {
  expect(containers({ runs: true, images: all })).toMatchObject({ status: 0, calls: ['tests with undefined'], runs: true })
})

test('an engine that does not run is started, missing images are made, and it is stopped at the end', () => {
  const { status, calls, runs } = containers({ runs: false, images: ['node:24'], standins: true })
  expect({ status, calls, runs }).toEqual({ status: 0, calls: ['up', 'build redis:7', 'tests with /plugins', 'down'], runs: false })
})

test('an engine that ran before runs afterwards', () => {
  expect(containers({ runs: true, images: [], standins: true })).toMatchObject({
    calls: ['build node:24 redis:7', 'tests with undefined'],
    runs: true,
  })
})

test.each([
  ['no engine', { runs: false, images: all }, 'no Docker engine answers'],
  ['images that are not there', { runs: true, images: ['redis:7'] }, 'these images are not here, and nothing is pulled: node:24'],
] as const)('%s: it is said loudly, counts as a skipped test, is no failure, and nothing is pulled', (_what, machine, reason) => {
  const { status, stderr, calls, results } = containers(machine)
  expect(stderr).toContain(`!!! THE CONTAINERS ARE NOT TESTED: ${reason}.`)
  expect({ status, calls, results }).toEqual({ status: 0, calls: [''], results: skipped })
})

test('when tests fail so does the script, after it has removed what they may have left and stopped the engine', () => {
  const { status, calls } = containers({ runs: false, images: all, standins: true, tests: 1 })
  const down = expect.stringMatching(/^docker compose --project-name plinth-test-\w+ down --volumes /)
  const image = expect.stringMatching(/^docker image rm --force plinth-test-\w+-backend$/)
  expect({ status, calls }).toEqual({ status: 1, calls: ['up', 'tests with /plugins', down, image, 'down'] })
})
