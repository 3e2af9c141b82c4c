// Starts a program of this folder on a database, and ends it with the test.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { watchOutput } from '../../support/watched-logs.ts'
import { type Caller, callerOf } from './caller.ts'

export interface ChildApp extends Caller {
  readonly child: ChildProcess
  /** Everything printed so far. */
  output(): string
  /** Exit code and signal, once there is one of them. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** On a crowded machine the event loop is late, and requests are refused for it; that has tests of its own. */
export const neverOverloaded = { LOOP_DELAY_LIMIT: '1m' }

export interface ChildAppOptions {
  readonly program?: 'blog-process.ts' | 'shop-process.ts'
  /** Such as `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[]
  /** Most that the caller opens at a time. */
  readonly connections?: number
}

/**
 * @param url       of a database that has the program's tables
 * @param settings  by variable name
 */
export async function startChildApp(
  url: string,
  settings: Record<string, string> = {},
  { program = 'blog-process.ts', nodeFlags = [], connections }: ChildAppOptions = {},
): Promise<ChildApp> {
  const script = join(import.meta.dirname, program)
  const all = Object.entries({ ...neverOverloaded, ...settings })
  const args = ['--conditions=source', ...nodeFlags, script, url, ...all.map(([name, value]) => `${name}=${value}`)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: string[] = []
  const output = (): string => chunks.join('')
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  child.once('close', () => watchOutput(output()))
  const port = new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk.toString())
        const found = /^port (\d+)$/m.exec(output())?.[1]
        if (found !== undefined) resolve(Number(found))
      })
    }
    void exited.then(({ code }) => reject(new Error(`The application ended with ${code}: ${output()}`)))
  })
  const caller = callerOf(await port, connections)
  onTestFinished(async () => {
    caller.close()
    child.kill('SIGKILL')
    await exited
  })
  return { ...caller, child, output, exited }
}
