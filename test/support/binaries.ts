// Where the PostgreSQL programs of this machine are: Debian's folders, then PATH. Those of the npm package: src/db/embedded.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const oldestMajor = 15

/** Major version of the `postgres` in a folder, undefined when there is none that this machine can run. */
export function postgresMajor(folder: string): number | undefined {
  const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8', timeout: 10_000 })
  const version = /(\d+)/.exec(stdout ?? '')?.[1]
  return version === undefined ? undefined : Number(version)
}

/** The newest PostgreSQL (15 or later) installed here: Debian's folders first, then PATH. */
export function installedPostgres(): string | undefined {
  return [...debianFolders(), ...pathFolders()].find((folder) => (postgresMajor(folder) ?? 0) >= oldestMajor)
}

function debianFolders(): string[] {
  const parent = '/usr/lib/postgresql'
  if (!existsSync(parent)) return []
  const versions = readdirSync(parent).toSorted((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(parent, version, 'bin'))
}

function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '' && existsSync(join(folder, 'postgres')))
}
