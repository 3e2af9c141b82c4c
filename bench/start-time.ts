// How long from starting a process to its first answered request, with a database that is up.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../test/support/postgres-server.ts'
import { serverNames, serverScript } from './processes.ts'
import { median } from './statistics.ts'

const root = join(import.meta.dirname, '..')
const deadlineMs = 20_000
/** Between two looks; looking takes CPU that the start needs. */
const lookMs = 4

export interface StartTime {
  readonly title: string
  /** Median. */
  readonly milliseconds: number
  readonly fastest: number
}

interface Starter {
  readonly title: string
  readonly cwd: string
  readonly args: (databaseUrl: string, port: number, folder: string) => readonly string[]
  readonly env?: (databaseUrl: string, port: number, folder: string) => Readonly<Record<string, string>>
}

const command: Starter = {
  title: '`plinth start api`',
  cwd: join(import.meta.dirname, 'app'),
  args: () => [join(root, 'bin/plinth.js'), 'start', 'api'],
  env: (databaseUrl, port, folder) => ({
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    LOG_DIR: join(folder, 'logs'),
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
  }),
}

const scripts: readonly Starter[] = serverNames.map((name) => ({
  title: name === 'plinth' ? 'plinth, `createApp` alone' : name,
  cwd: root,
  args: (databaseUrl, port, folder) => ['--conditions=source', serverScript(name), databaseUrl, String(port), folder],
}))

/** @param times  of each, taking turns; the first, which fills Node's compile cache, does not count */
export async function measureStarts(databaseUrl: string, folder: string, times: number): Promise<StartTime[]> {
  const starters = [command, ...scripts]
  const measured = starters.map((): number[] => [])
  for (let round = 0; round <= times; round += 1) {
    for (const [i, starter] of starters.entries()) {
      const milliseconds = await timeOne(starter, databaseUrl, folder)
      if (round > 0) measured[i]?.push(milliseconds)
    }
  }
  return starters.map(({ title }, i) => ({ title, milliseconds: median(measured[i] ?? []), fastest: Math.min(...(measured[i] ?? [])) }))
}

async function timeOne({ title, cwd, args, env }: Starter, databaseUrl: string, folder: string): Promise<number> {
  const port = await freePort()
  const startedAt = performance.now()
  const child = spawn(process.execPath, args(databaseUrl, port, folder), {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env?.(databaseUrl, port, folder) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  try {
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`${title} ended with ${child.exitCode}.`)
      if (performance.now() - startedAt > deadlineMs) throw new Error(`${title} answered nothing within ${deadlineMs} ms.`)
      await sleep(lookMs)
    }
    return performance.now() - startedAt
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/posts/1`)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
