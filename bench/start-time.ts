// How long from starting a process to its first answered request, with a database that is up.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
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
  /** CPU until the answer, median; undefined where the kernel does not tell. */
  readonly cpuMilliseconds: number | undefined
}

interface Place {
  readonly databaseUrl: string
  readonly port: number
  /** For what the process writes. */
  readonly folder: string
}

interface Starter {
  readonly title: string
  readonly cwd: string
  readonly args: (place: Place) => readonly string[]
  readonly env?: (place: Place) => Readonly<Record<string, string>>
}

const command: Starter = {
  title: '`plinth start api`',
  cwd: join(import.meta.dirname, 'app'),
  args: () => [join(root, 'bin/plinth.js'), 'start', 'api'],
  env: ({ databaseUrl, port, folder }) => ({
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    LOG_DIR: join(folder, 'logs'),
    DRAIN_TIME: '0',
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
  }),
}

const firstEver: Starter = {
  ...command,
  title: 'the same with an empty compile cache',
  env: (place) => ({ ...command.env?.(place), NODE_COMPILE_CACHE: mkdtempSync(join(place.folder, 'empty-')) }),
}

const others: readonly Starter[] = serverNames
  .filter((name) => name !== 'plinth')
  .map((name) => ({
    title: name,
    cwd: root,
    args: ({ databaseUrl, port, folder }) => ['--conditions=source', serverScript(name), databaseUrl, String(port), folder],
  }))

interface Start {
  readonly milliseconds: number
  readonly cpuMilliseconds: number | undefined
}

/** @param times  of each, taking turns; a first one does not count and ends in peace, so that Node writes its compile cache */
export async function measureStarts(databaseUrl: string, folder: string, times: number): Promise<StartTime[]> {
  const starters = [command, firstEver, ...others]
  const measured = starters.map((): Start[] => [])
  await timeOne(command, databaseUrl, folder, 'SIGTERM')
  for (let round = 0; round < times; round += 1) {
    for (const [i, starter] of starters.entries()) measured[i]?.push(await timeOne(starter, databaseUrl, folder, 'SIGKILL'))
  }
  return starters.map(({ title }, i) => summary(title, measured[i] ?? []))
}

function summary(title: string, starts: readonly Start[]): StartTime {
  const times = starts.map(({ milliseconds }) => milliseconds)
  const cpu = starts.flatMap(({ cpuMilliseconds }) => cpuMilliseconds ?? [])
  return { title, milliseconds: median(times), fastest: Math.min(...times), cpuMilliseconds: cpu.length === 0 ? undefined : median(cpu) }
}

async function timeOne({ title, cwd, args, env }: Starter, databaseUrl: string, folder: string, ending: NodeJS.Signals): Promise<Start> {
  const place = { databaseUrl, folder, port: await freePort() }
  const variables = { ...process.env, NODE_ENV: 'production', ...env?.(place) }
  const startedAt = performance.now()
  const child = spawn(process.execPath, args(place), { cwd, env: variables, stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  try {
    while (!(await answers(place.port))) {
      if (child.exitCode !== null) throw new Error(`${title} ended with ${child.exitCode}.`)
      if (performance.now() - startedAt > deadlineMs) throw new Error(`${title} answered nothing within ${deadlineMs} ms.`)
      await sleep(lookMs)
    }
    return { milliseconds: performance.now() - startedAt, cpuMilliseconds: cpuOf(child.pid) }
  } finally {
    child.kill(ending)
    await exited
  }
}

/** CPU of a process so far, in steps of 10 ms: `utime` and `stime` of `/proc/<pid>/stat`, the 14th and 15th word. */
function cpuOf(pid: number | undefined): number | undefined {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return undefined
  const [, rest = ''] = readFileSync(file, 'utf8').split(') ')
  const words = rest.split(' ')
  return (Number(words[11]) + Number(words[12])) * 10
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
