// Holds the published package to what a user gets: it is packed, linted, its types are resolved as every kind of project would,
// and it is used from a folder that knows nothing of this repository's sources.

import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packPackage } from './pack.ts'
import { report } from './report.ts'
import { root } from './source-files.ts'

const folder = join(root, '.plinth/package')
const bin = join(root, 'node_modules/.bin')

/**
 * Below the repository, so that the package's dependencies are found without another install; with a manifest of its own, because inside
 * the repository's the name "plinth" means the repository.
 */
function consumer(): string {
  const modules = join(folder, 'consumer/node_modules')
  mkdirSync(modules, { recursive: true })
  renameSync(join(folder, 'package'), join(modules, 'plinth'))
  writeFileSync(join(folder, 'consumer/package.json'), '{ "name": "consumer" }')
  return join(folder, 'consumer')
}

const importEveryDoor = `
  import { createRequire } from 'node:module'
  const { exports } = createRequire(import.meta.url)('plinth/package.json')
  const doors = Object.keys(exports).filter((key) => key !== './package.json')
  for (const door of doors) if (Object.keys(await import('plinth' + door.slice(1))).length === 0) throw new Error(door + ' exports nothing')
`

interface Step {
  readonly what: string
  readonly command: readonly [string, ...string[]]
}

function steps(archive: string): Step[] {
  return [
    { what: 'publint', command: [join(bin, 'publint'), 'run', archive, '--strict'] },
    { what: 'attw', command: [join(bin, 'attw'), archive, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'] },
    { what: 'every door imported from the package', command: [process.execPath, '--input-type=module', '--eval', importEveryDoor] },
    { what: 'the command line of the package', command: [process.execPath, 'node_modules/plinth/bin/plinth.js', '--help'] },
  ]
}

function stepProblems({ what, command: [program, ...args] }: Step, cwd: string): string[] {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 120_000 })
  return status === 0 ? [] : [`${what} failed: ${error?.message ?? `exit ${status}`}\n${stdout}${stderr}`]
}

function packageProblems(): string[] {
  try {
    const archive = packPackage(folder)
    const cwd = consumer()
    return steps(archive).flatMap((step) => stepProblems(step, cwd))
  } catch (error) {
    return [`The package cannot be made: ${error instanceof Error ? error.message : String(error)}`]
  }
}

report(packageProblems(), 'the packed package is sound, typed and usable')
