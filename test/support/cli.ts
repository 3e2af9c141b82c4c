// The real command line in child processes, about applications in folders of their own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { freePort } from './postgres-server.ts'
import { watchOutput } from './watched-logs.ts'

export const repository = join(import.meta.dirname, '../..')
const program = join(repository, 'bin/plinth.js')
const commandDeadlineMs = 25_000

/** Not set at all in the child, whatever this process has. */
const cleared = [
  'DATABASE_URL',
  'APP_ENV',
  'NODE_ENV',
  'API_PORT',
  'PORT',
  'LOG_LEVEL',
  'NODE_OPTIONS',
  'VITEST',
  'SECRET_KEY',
  'JWT_SECRET_KEY',
]

export interface TemporaryApp {
  readonly root: string
  write(path: string, content: string): void
  remove(): void
}

/**
 * An application inside the repository, where its imports of `plinth` find this checkout.
 *
 * @param files  over a copy of examples/items without its cache, which leaves one migration; `from: 'nothing'` for these files alone
 */
export function temporaryApp(
  files: Readonly<Record<string, string>> = {},
  { from = 'items' }: { from?: 'items' | 'nothing' } = {},
): TemporaryApp {
  const root = join(repository, '.plinth/apps', randomBytes(6).toString('hex'))
  mkdirSync(root, { recursive: true })
  if (from === 'items') copyItems(root)
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  for (const [path, content] of Object.entries(files)) write(path, content)
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) }
}

function copyItems(root: string): void {
  const isOfCache = (path: string): boolean => path.endsWith('_cache_items')
  for (const part of ['api', 'migrations', 'package.json'])
    cpSync(join(repository, 'examples/items', part), join(root, part), { recursive: true, filter: (path) => !isOfCache(path) })
  const resource = join(root, 'api/resources/items.ts')
  writeFileSync(resource, readFileSync(resource, 'utf8').replace(/^ *cache: .*\n/m, ''))
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** Runs `plinth …` to its end. */
export async function plinth(args: readonly string[], { input = '', ...options }: RunOptions): Promise<Finished> {
  const child = spawnPlinth(args, options)
  child.process.stdin?.end(input)
  const timer = setTimeout(() => child.process.kill('SIGKILL'), commandDeadlineMs)
  const code = await child.exited
  clearTimeout(timer)
  return { code, stdout: child.stdout(), stderr: child.stderr() }
}

/** Runs each of several commands to its end, one after the other, in one process. */
export async function plinths(commands: readonly (readonly string[])[], options: Omit<RunOptions, 'input'>): Promise<Finished[]> {
  const child = spawnNode(['--conditions=source', join(import.meta.dirname, 'several-commands.ts'), JSON.stringify(commands)], options)
  child.process.stdin?.end()
  const timer = setTimeout(() => child.process.kill('SIGKILL'), commandDeadlineMs)
  await child.exited
  clearTimeout(timer)
  if (child.stdout() === '') throw new Error(child.stderr())
  return JSON.parse(child.stdout()) as Finished[]
}

export interface RunningPlinth {
  readonly process: ChildProcess
  /** The exit code, when all output has arrived. */
  readonly exited: Promise<number | null>
  stdout(): string
  stderr(): string
  /** Waits for a text in the output. @throws Error with the output when the process ends or 20 s pass before */
  says(text: string | RegExp, since?: number): Promise<void>
}

/** @param group  in a process group of its own, like the foreground job of a terminal; signal it with `process.kill(-pid)` */
export function spawnPlinth(args: readonly string[], options: RunOptions, group = false): RunningPlinth {
  return spawnNode([program, ...args], options, group)
}

function spawnNode(args: readonly string[], { cwd, env = {} }: RunOptions, group = false): RunningPlinth {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !cleared.includes(name)))
  const child = spawn(process.execPath, args, { cwd, env: { ...inherited, ...env }, detached: group })
  const output = { stdout: '', stderr: '', all: '' }
  child.once('close', () => watchOutput(output.all))
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString()
      output.all += chunk.toString()
    })
  }
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return {
    process: child,
    exited,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    says: (text, since = 0) => appears(() => output.all.slice(since), text, child),
  }
}

async function appears(read: () => string, text: string | RegExp, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const output = read()
    if (typeof text === 'string' ? output.includes(text) : text.test(output)) return
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline)
      throw new Error(`"${text}" did not appear in:\n${output}`)
  }
}

/** `plinth start api` or another serving command, with its address. */
export async function servePlinth(
  args: readonly string[],
  { cwd, env }: RunOptions,
  group = false,
): Promise<RunningPlinth & { readonly url: string }> {
  const port = await freePort()
  const child = spawnPlinth(args, { cwd, env: { ...env, API_PORT: String(port) } }, group)
  const url = `http://127.0.0.1:${port}`
  await child.says(url)
  return { ...child, url }
}
