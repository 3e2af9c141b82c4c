// A process of the application, with what it logs, ended with the test.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Caller, callerOf } from '../../guarantees/support/caller.ts'
import type { Ends } from './ends.ts'

const script = join(import.meta.dirname, '../app/process.ts')
const startDeadlineMs = 30_000

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

export interface ChaosApp extends Caller {
  readonly pid: number
  /** Lines logged so far. */
  lines(): LogLine[]
  /** Resident memory in bytes, and how many files and sockets are open. */
  usage(): { readonly memoryBytes: number; readonly descriptors: number }
  signal(signal: NodeJS.Signals): void
  readonly exited: Promise<void>
}

export interface AppOptions {
  readonly nodeFlags?: readonly string[]
  /** Most connections that the caller opens. */
  readonly connections?: number
  /** Variables of the process itself, such as LD_PRELOAD. */
  readonly env?: Readonly<Record<string, string>>
}

/** @param settings  by variable name */
export async function startApp(settings: Readonly<Record<string, string>>, options: AppOptions, ends: Ends): Promise<ChaosApp> {
  const child = fork(
    script,
    Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    {
      execArgv: ['--conditions=source', '--expose-gc', ...(options.nodeFlags ?? [])],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...options.env },
    },
  )
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  const exited = once(child, 'exit').then(() => undefined)
  ends.push(async () => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
  })
  const caller = callerOf(await portOf(child, () => chunks.join('')), options.connections ?? 128)
  ends.push(() => caller.close())
  const pid = child.pid ?? 0
  return {
    ...caller,
    pid,
    exited,
    lines: () => linesOf(chunks.join('')),
    usage: () => ({ memoryBytes: memoryOf(pid), descriptors: readdirSync(`/proc/${pid}/fd`).length }),
    signal: (signal) => void child.kill(signal),
  }
}

async function portOf(child: ChildProcess, output: () => string): Promise<number> {
  const signal = AbortSignal.timeout(startDeadlineMs)
  const ended = once(child, 'exit', { signal }).then(([code]) =>
    Promise.reject(new Error(`The application ended with ${code}: ${output()}`)),
  )
  ended.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [{ readonly port: number }]
  return message.port
}

function linesOf(output: string): LogLine[] {
  const complete = output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
  return complete.map((line) => JSON.parse(line) as LogLine)
}

/** The second field of statm is the resident pages. */
function memoryOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}
