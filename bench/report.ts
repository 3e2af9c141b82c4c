// The measurements as the page `bench/RESULTS.md`.

import { advantage, allCpu, goals, heapGoalBytesPerRequest, startGoalMs, verdict } from './goals.ts'
import type { MemoryReport } from './memory.ts'
import { type ServerName, serverNames } from './processes.ts'
import type { RoundOptions, Sample } from './rounds.ts'
import type { StartTime } from './start-time.ts'
import { median } from './statistics.ts'
import { type WorkloadName, workloads } from './workloads.ts'

export interface Results {
  readonly samples: readonly Sample[]
  readonly options: RoundOptions
  readonly starts: readonly StartTime[]
  readonly startRuns: number
  readonly memory: MemoryReport | undefined
  /** What was measured with: name, version. */
  readonly versions: readonly (readonly [string, string])[]
  readonly machine: string
}

export function page(results: Results): string {
  return [
    heading(results),
    otherPages,
    method(results),
    goalTable(results),
    ...results.options.workloads.map((name) => workloadTable(results, name)),
    startTable(results),
    memoryTable(results),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

const otherPages =
  'More: [the cache](CACHE.md), [who asks, and what they may](ACCESS.md), [several processes](PROCESSES.md), [reads while things break, checked](COHERENCE.md), [what breaks and what it costs](CHAOS.md).'

function heading({ versions, machine }: Results): string {
  const date = new Date().toISOString().slice(0, 10)
  return `# Benchmark\n\nWritten by \`npm run bench\` on ${date}. ${machine}. ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.`
}

function method({ options, samples }: Results): string {
  const busiest = Math.max(...samples.map(({ generatorLoad }) => generatorLoad))
  return `Each server is one process on loopback: **plinth** in production mode with validation, access log in a file, metrics, security headers and entity tags;
**node-http** is \`node:http\` with statements written by hand, \`pg\` rows and \`JSON.stringify\`; **fastify-drizzle** has prepared Drizzle queries and
response schemas, nothing else; **express-sequelize** uses models with eager loading. All answer the same rows (checked at the start) of a PostgreSQL
with \`fsync\` on. ${options.connections} connections; ${options.rounds} rounds of ${options.measureMs / 1_000} s each, servers taking turns, ${options.warmUpMs / 1_000} s of warm-up before each; medians.
The load generator took at most ${(busiest * 100).toFixed(0)} % of one core. Servers, PostgreSQL and generator share the machine, so requests per second are
noisy and CPU per request, of the server and of PostgreSQL for it, is the number to trust. × says how many times better Plinth did (median of the
rounds' ratios).`
}

function goalTable({ samples, options }: Results): string {
  const rows = goals
    .filter(({ workload }) => options.workloads.includes(workload))
    .map((goal) => {
      const found = advantage(samples, goal.workload, goal.than)
      const aim = goal.times === 1 ? 'faster than' : `${goal.times}×`
      return `| ${workloads[goal.workload].title} | ${aim} ${goal.than} | ${times(found.throughput)} | ${times(found.cpu)} | ${times(found.nodeCpu)} | ${verdict(goal, found)} |`
    })
  if (rows.length === 0) return ''
  return ['## Goals', '', '| request | goal | requests/s | CPU | Node CPU alone | |', '|---|---|--:|--:|--:|---|', ...rows].join('\n')
}

function workloadTable({ samples, options }: Results, workload: WorkloadName): string {
  const head = ['| server | requests/s | Node CPU | PostgreSQL CPU | together | × requests/s | × CPU |', '|---|--:|--:|--:|--:|--:|--:|']
  const rows = serverNames.map((server) => serverRow(samples, workload, server))
  return (
    [`## ${sentence(workloads[workload].title)}`, '', ...head, ...rows].join('\n') +
    (options.rounds < 3 ? '\n\n(Too few rounds to be trusted.)' : '')
  )
}

function serverRow(samples: readonly Sample[], workload: WorkloadName, server: ServerName): string {
  const own = samples.filter((sample) => sample.workload === workload && sample.server === server)
  const { throughput, cpu } = advantage(samples, workload, server)
  const postgres = own.flatMap(({ postgresCpu }) => postgresCpu ?? [])
  return `| ${[
    server,
    median(own.map(({ perSecond }) => perSecond)).toFixed(0),
    microseconds(median(own.map(({ nodeCpu }) => nodeCpu))),
    postgres.length === 0 ? 'unknown' : microseconds(median(postgres)),
    postgres.length === 0 ? 'unknown' : microseconds(median(own.map(allCpu))),
    server === 'plinth' ? '' : times(throughput),
    server === 'plinth' ? '' : times(cpu),
  ].join(' | ')} |`
}

function startTable({ starts, startRuns }: Results): string {
  const [command] = starts
  if (command === undefined) return ''
  const rows = starts.map(
    ({ title, milliseconds, fastest, cpuMilliseconds }) =>
      `| ${title} | ${milliseconds.toFixed(0)} ms | ${fastest.toFixed(0)} ms | ${cpuMilliseconds?.toFixed(0) ?? '?'} ms |`,
  )
  const reached = command.milliseconds < startGoalMs
  return [
    '## Start',
    '',
    `From starting the process to its first answered \`GET /api/posts/1\`, in production, with a database that is up. Median of ${startRuns}, taking turns.`,
    `Goal for \`plinth start api\`: under ${startGoalMs} ms, ${reached ? '**reached**' : '**not reached**'}.`,
    '',
    '| | median | fastest | CPU |',
    '|---|--:|--:|--:|',
    ...rows,
  ].join('\n')
}

function memoryTable({ memory }: Results): string {
  if (memory === undefined) return ''
  const rows = memory.points.map(
    ({ requests, heapBytes, residentBytes }) =>
      `| ${requests.toLocaleString('en')} | ${mebibytes(heapBytes)} | ${mebibytes(residentBytes)} |`,
  )
  const reached = memory.heapSlope < heapGoalBytesPerRequest
  return [
    '## Memory',
    '',
    `Plinth, after forced collections; all five requests in turn. The line through the heap grows by ${memory.heapSlope.toFixed(2)} bytes per request, that through resident memory by`,
    `${memory.residentSlope.toFixed(2)}. Goal: no growth of the heap (under ${heapGoalBytesPerRequest} bytes per request), ${reached ? '**reached**' : '**not reached**'}.`,
    '',
    '| requests | heap | resident |',
    '|--:|--:|--:|',
    ...rows,
  ].join('\n')
}

function times(value: number): string {
  return `${value.toFixed(2)}×`
}

function microseconds(value: number): string {
  return `${value.toFixed(1)} µs`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
