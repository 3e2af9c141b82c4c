// `plinth cache …`: what the running processes say of their cache, for people and for scripts.

import type { ClearAnswer, FromProcess, ProcessStats, StatsAnswer, WhyAnswer } from '../app/cache-desk.ts'
import type { ResourceCounts } from '../cache/counters.ts'
import { resourceDefinitions } from '../app/models.ts'
import { askCache } from './ask-app.ts'
import { explain } from './cache-why.ts'
import { type LoadedApp, loadApp } from './load-app.ts'
import { note, print, printJson, table, UsageError } from './output.ts'
import { amount, percent } from './quantities.ts'

export interface CacheFlags {
  readonly json?: boolean
  readonly url?: string
}

export async function showStats(flags: CacheFlags): Promise<void> {
  const answer = await askCache<StatsAnswer>(await cachingApp(flags), { want: 'stats' }, flags.url)
  if (flags.json === true) return printJson(answer)
  print(readsTable(answer.processes))
  for (const line of [...answer.processes.flatMap(processLines), ...redisLines(answer)]) print(line)
}

export async function clearCache(flags: CacheFlags): Promise<void> {
  const answer = await askCache<ClearAnswer>(await cachingApp(flags), { want: 'clear' }, flags.url)
  if (flags.json === true) printJson(answer)
  else print(clearedLine(answer))
  if (answer.redisUsable === false) process.exitCode = 1
}

export async function explainRead(about: string, flags: CacheFlags): Promise<void> {
  const answer = await askCache<WhyAnswer>(await cachingApp(flags), { want: 'why', about }, flags.url)
  if (flags.json === true) return printJson(answer)
  for (const line of explain(answer)) print(line)
}

/** @throws UsageError when nothing is cached, or the address is none */
async function cachingApp({ url }: CacheFlags): Promise<LoadedApp> {
  if (url !== undefined && !/^https?:\/\//.test(url))
    throw new UsageError(`--url takes an address such as http://127.0.0.1:8080, not "${url}".`)
  const loaded = await loadApp()
  const isCached = resourceDefinitions(loaded.definition.options).some(({ options }) => options.cache !== undefined)
  if (!isCached) throw new UsageError("No resource of this application is cached. Give one a cache: { cache: '5m' }")
  if (loaded.config.env === 'testing') note('Every process of APP_ENV=testing makes a secret of its own, unless SECRET_KEY is set.')
  return loaded
}

function readsTable(processes: StatsAnswer['processes']): string {
  const reads = totals(processes)
  const rows = Object.entries(reads).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const headings = ['RESOURCE', 'HIT', 'NEAR', 'MISS', 'BYPASS', 'FROM CACHE', 'UNCONFIRMED', 'SAMPLED', 'MISMATCHED']
  return table(
    headings,
    rows.map(([name, counts]) => {
      const { hit, near, miss, bypass, unconfirmed, sampled, mismatched } = counts
      const share = percent(hit + near, hit + near + miss + bypass)
      return [
        name,
        String(hit),
        String(near),
        String(miss),
        String(bypass),
        share,
        String(unconfirmed),
        String(sampled),
        String(mismatched),
      ]
    }),
  )
}

/** Of all processes together. */
function totals(processes: StatsAnswer['processes']): Record<string, ResourceCounts> {
  const sums: Record<string, ResourceCounts> = {}
  for (const { answer } of processes)
    for (const [resource, counts] of Object.entries(answer?.reads ?? {})) sums[resource] = sum(sums[resource], counts)
  return sums
}

function sum(one: ResourceCounts | undefined, other: Readonly<ResourceCounts>): ResourceCounts {
  if (one === undefined) return { ...other }
  return Object.fromEntries(
    Object.entries(other).map(([name, count]) => [name, count + one[name as keyof ResourceCounts]]),
  ) as unknown as ResourceCounts
}

function processLines({ worker, answer }: FromProcess<ProcessStats>): string[] {
  if (answer === undefined) return [`Process ${worker} did not answer.`]
  const { pid, memory, untracked, fenced } = answer
  const kept = `${memory.entries} answers, ${amount(memory.bytes)} of ${amount(memory.mostBytes)}, ${memory.evicted} made room`
  return [
    `Process ${worker} (pid ${pid}): ${kept}.`,
    ...(fenced === undefined ? [] : [`  The fenced cache is ${fenced.ok ? 'on' : `off${because(fenced['reason'])}`}.`]),
    ...untracked.map((name) => `  ${name} has no triggers: its reads are not cached. Run: plinth db migrate, plinth db upgrade.`),
  ]
}

function because(reason: unknown): string {
  return typeof reason === 'string' ? `: ${reason}` : ''
}

function redisLines({ redis, processes }: StatsAnswer): string[] {
  const { redisUsable } = processes.find(({ answer }) => answer !== undefined)?.answer ?? {}
  if (redisUsable === undefined) return ['Redis is not configured.']
  if (redis.length === 0) return ['Redis cannot be reached.']
  return redis.map(({ server, version, keys, usedMemoryBytes, maxMemoryBytes, maxMemoryPolicy, evictedKeys }) => {
    const most = maxMemoryBytes === 0 ? '' : ` of ${amount(maxMemoryBytes)}`
    return `Redis ${version} at ${server}: ${keys} keys, ${amount(usedMemoryBytes)}${most}, ${maxMemoryPolicy}, ${evictedKeys} evicted.`
  })
}

function clearedLine({ removed, redisUsable }: ClearAnswer): string {
  if (redisUsable === false)
    return 'Cleared in the processes. Redis cannot be reached: what it has stays, and is used only where it is right.'
  return redisUsable === undefined ? 'Cleared.' : `Cleared, ${removed} of the answers in Redis.`
}
