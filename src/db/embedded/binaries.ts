// Which PostgreSQL programs to use: those of the machine, newest first, then those of the npm package.

import { globSync, existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { embeddedErrors } from './errors.ts'
import { npmBinaries, npmPackageName } from './npm-binaries.ts'
import { run, type ServerUser } from './run.ts'

export interface Binaries {
  /** Folder with `postgres` and `initdb`. */
  readonly directory: string
  readonly major: number
  /** As the program tells it: `15.18`. */
  readonly version: string
}

const oldestMajor = 15

// Debian, Red Hat, a build from source, Homebrew (both processors), Postgres.app.
const usualPlaces = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/local/pgsql/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
]

/** Data that exist already decide the version: PostgreSQL reads only those of its own major version. */
export interface ExistingData {
  readonly directory: string
  readonly major: number
}

/** Where to look; a test has places of its own. */
export interface BinarySources {
  /** Folders of PostgreSQL programs on the machine, some perhaps not there or not usable. */
  machine(): Promise<string[]>
  npm(user: ServerUser): Promise<string | undefined>
}

const installed: BinarySources = {
  machine: async () => [...(await pathDirectory()), ...globSync(usualPlaces)],
  npm: (user) => npmBinaries(user),
}

/**
 * Finds programs that `user` can run: of those that fit the data the newest of the machine, or else npm's.
 *
 * @throws AppError `EMBEDDED_NO_POSTGRES`, `EMBEDDED_OTHER_VERSION`
 */
export async function findBinaries(user: ServerUser, data?: ExistingData, sources = installed): Promise<Binaries> {
  const fits = (binaries: Binaries): boolean => binaries.major >= oldestMajor && (data === undefined || binaries.major === data.major)
  const chosen = (await probeAll(await sources.machine(), user)).find(fits) ?? (await probeAll([await sources.npm(user)], user)).find(fits)
  if (chosen !== undefined) return chosen
  if (data !== undefined) throw embeddedErrors.OTHER_VERSION(data.directory, data.major)
  throw embeddedErrors.NO_POSTGRES(
    `none on PATH or in /usr/lib/postgresql, and ${npmPackageName} is not there or does not run here`,
    npmPackageName,
  )
}

/** The folder of the first `postgres` on PATH, links followed, because `initdb` lies beside the real one. */
async function pathDirectory(): Promise<string[]> {
  const { ok, stdout } = await run('/bin/sh', ['-c', 'command -v postgres'], { env: 'ours' })
  return ok && existsSync(stdout.trim()) ? [dirname(realpathSync(stdout.trim()))] : []
}

/** Those that run, newest first. */
async function probeAll(directories: readonly (string | undefined)[], user: ServerUser): Promise<Binaries[]> {
  const named = new Set(directories.filter((directory) => directory !== undefined))
  const probed = await Promise.all([...named].map((directory) => probe(directory, user)))
  return probed.filter((binaries) => binaries !== undefined).toSorted(newestFirst)
}

/** Asks a `postgres` for its version as the user that will run it: this shows missing rights and missing libraries too. */
async function probe(directory: string, user: ServerUser): Promise<Binaries | undefined> {
  if (!existsSync(join(directory, 'initdb'))) return undefined
  const { ok, stdout } = await run(join(directory, 'postgres'), ['--version'], { user })
  const version = /PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1]
  return ok && version !== undefined ? { directory, version, major: Number.parseInt(version) } : undefined
}

function newestFirst(a: Binaries, b: Binaries): number {
  return b.version.localeCompare(a.version, 'en', { numeric: true })
}
