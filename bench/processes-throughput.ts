// What a second process gains: `plinth start api` beside `plinth start api --processes 2`, in turns, the same load on both.
// Run by hand: node --conditions=source bench/processes-throughput.ts [rounds] [seconds]; what it prints is in bench/PROCESSES.md.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { trackingOf } from '../src/app/tracking.ts'
import { createScratchDatabase } from '../src/db/scratch-database.ts'
import { installedPostgres } from '../test/support/binaries.ts'
import { freePort, startPostgres } from '../test/support/postgres-server.ts'
import { loadDatabase } from './data.ts'
import { cpuBetween, postgresCpu } from './postgres-cpu.ts'
import definition from './processes-app/api/app.ts'
import { type Generator, startGenerator } from './processes.ts'
import { median } from './statistics.ts'
import { processWorkloads, type ProcessWorkloadName } from './workloads.ts'

interface Sample {
  readonly perSecond: number
  /** Microseconds of CPU per request, of all processes of the server, of PostgreSQL and of the load generator. */
  readonly server: number
  readonly postgres: number
  readonly generator: number
}

interface Cluster {
  readonly count: number
  readonly port: number
  readonly child: ChildProcess
}

const connections = 32
const root = join(import.meta.dirname, '..')
const names = Object.keys(processWorkloads) as ProcessWorkloadName[]
const [rounds = 9, seconds = 2] = process.argv.slice(2).map(Number)

async function startCluster(count: number, databaseUrl: string, folder: string): Promise<Cluster> {
  const port = await freePort()
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    APP_ENV: 'production',
    DATABASE_URL: databaseUrl,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    LOG_DIR: join(folder, `logs-${count}`),
    DRAIN_TIME: '0',
    LOOP_DELAY_LIMIT: '10s', // nothing is to be refused because other programs take the cores
    SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7',
    JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8',
  }
  const args = [join(root, 'bin/plinth.js'), 'start', 'api', '--processes', String(count)]
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, 'processes-app'),
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const cluster = { count, port, child }
  for (const deadline = Date.now() + 60_000; (await workersOf(cluster)) < count; await sleep(100))
    if (Date.now() > deadline) throw new Error(`${count} processes did not serve within a minute.`)
  return cluster
}

/** How many serve; 0 while nobody answers. */
async function workersOf({ port }: Cluster): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${port}/health/details`).catch(() => undefined)
  const { workers } = ((await reply?.json()) ?? {}) as { workers?: readonly { state: string }[] }
  return workers?.filter(({ state }) => state === 'serving').length ?? (reply === undefined ? 0 : 1)
}

/** Microseconds so far, of a process and those that it has started, in steps of 10 ms. */
function cpuOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const words = rest.split(' ')
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return (Number(words[11]) + Number(words[12])) * 10_000 + children.reduce((sum, child) => sum + cpuOf(child), 0)
}

async function measure(
  { port, child }: Cluster,
  workload: ProcessWorkloadName,
  generator: Generator,
  dataDirectory: string,
): Promise<Sample> {
  const load = async (milliseconds: number) => {
    const report = await generator.load({ port, workload, connections, milliseconds })
    if (report.failure !== undefined) throw new Error(`${workload} failed: ${report.failure}`)
    return report
  }
  await load(seconds * 300)
  const before = { server: cpuOf(child.pid ?? 0), postgres: postgresCpu(dataDirectory) }
  const report = await load(seconds * 1_000)
  const { requests } = report
  return {
    perSecond: requests / report.seconds,
    server: (cpuOf(child.pid ?? 0) - before.server) / requests,
    postgres: (cpuBetween(before.postgres, postgresCpu(dataDirectory)) ?? 0) / requests,
    generator: report.cpuMicroseconds / requests,
  }
}

function row(workload: ProcessWorkloadName, pairs: readonly (readonly [one: Sample, two: Sample])[]): string {
  const of = (which: 0 | 1, what: keyof Sample) => median(pairs.map((pair) => pair[which][what]))
  const cpu = (which: 0 | 1) =>
    `${of(which, 'server').toFixed(0)} + ${of(which, 'postgres').toFixed(0)} + ${of(which, 'generator').toFixed(0)} µs`
  const ratios = pairs.map(([one, two]) => two.perSecond / one.perSecond).toSorted((a, b) => a - b)
  const spread = `${ratios.at(0)?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)}`
  const { title } = processWorkloads[workload]
  const cells = [
    title,
    of(0, 'perSecond').toFixed(0),
    of(1, 'perSecond').toFixed(0),
    `**${median(ratios).toFixed(2)}×**`,
    spread,
    cpu(0),
    cpu(1),
  ]
  return `| ${cells.join(' | ')} |`
}

const folder = mkdtempSync(join(tmpdir(), 'plinth-processes-'))
const postgres = await startPostgres(installedPostgres() ?? '')
const generator = await startGenerator()
const clusters: Cluster[] = []
try {
  const { url } = await createScratchDatabase(postgres.url)
  await loadDatabase(url, trackingOf(definition))
  for (const count of [1, 2]) clusters.push(await startCluster(count, url, folder))
  const [one, two] = clusters
  if (one === undefined || two === undefined) throw new Error('Two clusters are compared.')
  console.log(
    '| request | one process, requests/s | two | ratio, median | of the rounds | CPU with one: server + PostgreSQL + generator | with two |',
  )
  console.log('|---|--:|--:|--:|--:|---|---|')
  const before = loadavg()
  for (const workload of names) {
    const pairs: [Sample, Sample][] = []
    for (let round = 0; round < rounds; round += 1) {
      const sample = (cluster: Cluster) => measure(cluster, workload, generator, postgres.dataDirectory)
      pairs.push([await sample(one), await sample(two)])
    }
    console.log(row(workload, pairs))
  }
  console.log(`\n${rounds} rounds of ${seconds} s; load average before ${before[0]?.toFixed(1)}, after ${loadavg()[0]?.toFixed(1)}`)
} finally {
  for (const { child } of clusters) {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  await generator.stop()
  await postgres.destroy()
  rmSync(folder, { recursive: true, force: true })
}
