// Folders that say which process made them, so that those of a killed test run can be found and removed by the next one.

import { mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'plinth-test-'

export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), `${prefix}${purpose}-`))
  writeFileSync(join(folder, 'owner'), String(process.pid))
  return folder
}

/** Folders whose process is gone. */
export function abandonedFolders(): string[] {
  const parent = realpathSync(tmpdir())
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
