// Folders that say which process made them, so that those of a killed test run can be found and removed by the next one.

import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'plinth-test-'

const memory = '/dev/shm'
/** In bytes: what the servers of a run have written to it was at most a quarter of that. */
const roomInMemory = 8 * 1024 ** 3

/** @param parent  default: the folder of the system for such */
export function temporaryFolder(purpose: string, parent = tmpdir()): string {
  const folder = mkdtempSync(join(realpathSync(parent), `${prefix}${purpose}-`))
  writeFileSync(join(folder, 'owner'), String(process.pid))
  return folder
}

/**
 * For data that is made and thrown away all the time; undefined where there is no such place, or no room. A database is made, used a little and
 * dropped in 20 ms there, and in 26 to 110 ms on a disk.
 */
export function folderInMemory(): string | undefined {
  if (!existsSync(memory) || freemem() < roomInMemory) return undefined
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize < roomInMemory ? undefined : memory
}

/** Folders whose process is gone. */
export function abandonedFolders(): string[] {
  const parents = [tmpdir(), memory].filter((parent) => existsSync(parent)).map((parent) => realpathSync(parent))
  return [...new Set(parents)].flatMap(abandonedIn)
}

function abandonedIn(parent: string): string[] {
  const folders = readdirSync(parent)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parent, name))
  return folders.filter((folder) => {
    const owner = readNumber(join(folder, 'owner'))
    return owner !== undefined && !isAlive(owner)
  })
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Undefined when the file is not there (any more). */
export function readNumber(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10)
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
