// Another command in a process of its own: it sees files that this process has just written.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Path of the program that this process was started by. */
export const plinthProgram: string = fileURLToPath(new URL('../../bin/plinth.js', import.meta.url))

/** @returns the exit code */
export async function runPlinth(root: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [plinthProgram, ...args], { cwd: root, stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
