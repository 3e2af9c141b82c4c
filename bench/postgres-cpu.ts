// CPU time of a PostgreSQL server: what the kernel says of the postmaster and its children (Linux; elsewhere unknown).

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Microseconds of CPU by process id. */
export type PostgresCpu = ReadonlyMap<number, number>

/** What the server's processes have used so far; undefined where the kernel does not tell. */
export function postgresCpu(dataDirectory: string): PostgresCpu | undefined {
  if (!existsSync('/proc/self/schedstat')) return undefined
  const postmaster = Number.parseInt(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8'), 10)
  return new Map([postmaster, ...childrenOf(postmaster)].map((pid) => [pid, cpuOf(pid)]))
}

/** What they have used in between. A process that has ended meanwhile, an idle connection closed by its pool, has done little. */
export function cpuBetween(before: PostgresCpu | undefined, after: PostgresCpu | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined
  return [...after].reduce((sum, [pid, used]) => sum + used - (before.get(pid) ?? 0), 0)
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => parentOf(pid) === parent)
}

/** The fourth word of `stat`; the second, the name in parentheses, may hold blanks. */
function parentOf(pid: number): number {
  const [, rest = ''] = read(`/proc/${pid}/stat`).split(') ')
  return Number(rest.split(' ')[1])
}

/** Nanoseconds on a CPU are the first word of `schedstat`; `stat` counts in steps of 10 ms. */
function cpuOf(pid: number): number {
  return Number(read(`/proc/${pid}/schedstat`).split(' ')[0] ?? 0) / 1_000
}

/** Empty for a process that has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
