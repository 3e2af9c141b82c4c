// A folder of root's that every user can look into: for what the unprivileged server must reach when the project lies in /root.

import { chmod, lstat, mkdir } from 'node:fs/promises'
import { embeddedErrors } from './errors.ts'

// /var/lib is the usual place; /var/tmp is there in containers whose root file system is read-only, and outlives a restart.
const candidates = ['/var/lib/plinth', '/var/tmp/plinth-root']

/** @throws AppError `EMBEDDED_FILES` when none can be made */
export async function sharedDirectory(): Promise<string> {
  const problems: string[] = []
  for (const directory of candidates) {
    const problem = await prepare(directory)
    if (problem === undefined) return directory
    problems.push(problem)
  }
  throw embeddedErrors.FILES(candidates.join(' or '), problems.join('; '))
}

/** Anybody may make a folder in /var/tmp: one that is not root's own is not trusted. */
async function prepare(directory: string): Promise<string | undefined> {
  try {
    await mkdir(directory, { recursive: true })
    const found = await lstat(directory)
    if (!found.isDirectory() || found.uid !== 0) return 'it belongs to another user'
    await chmod(directory, 0o755)
    return undefined
  } catch (error) {
    return String(error)
  }
}
