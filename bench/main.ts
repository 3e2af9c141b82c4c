// `npm run bench`: Plinth beside a bare server, Fastify with Drizzle, and Express with Sequelize, on a PostgreSQL of its own.
//   --quick               a smoke test of a few seconds: fails when a server errs or answers differ, never for a time
//   --only get,list       some of the requests
//   --rounds 7            and --seconds 3: longer or shorter
//   --part http           or cache, or access: one part of the run
// A whole part writes its page, bench/RESULTS.md, bench/CACHE.md or bench/ACCESS.md; the others print only.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { npmBinaries } from '../src/db/embedded/npm-binaries.ts'
import { installedPostgres } from '../test/support/binaries.ts'
import { type PostgresServer, startPostgres } from '../test/support/postgres-server.ts'
import { serverUser } from '../test/support/server-user.ts'
import { checkAgreement } from './agreement.ts'
import { measureAccess } from './access/measure.ts'
import { accessPage, type AccessResults } from './access/report.ts'
import { measureCache } from './cache/measure.ts'
import { cachePage, type CacheResults } from './cache/report.ts'
import { forgetCreated, loadDatabase, serverVersion } from './data.ts'
import { measureMemory } from './memory.ts'
import { type Generator, type Server, serverNames, startGenerator, startServer } from './processes.ts'
import { page, type Results } from './report.ts'
import { measureRounds, type RoundOptions } from './rounds.ts'
import { measureStarts } from './start-time.ts'
import { machine, versions } from './versions.ts'
import { type WorkloadName, workloads } from './workloads.ts'

interface Plan {
  readonly rounds: RoundOptions
  readonly startRuns: number
  /** 0: memory is not measured. */
  readonly memoryRequests: number
  readonly writesPages: boolean
  readonly parts: ReadonlySet<PartName>
}

const allParts = ['http', 'cache', 'access'] as const
type PartName = (typeof allParts)[number]

const allWorkloads = Object.keys(workloads) as WorkloadName[]

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean' },
      part: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
    },
  })
  const { quick = false, only, part, rounds = quick ? '1' : '7', seconds = quick ? '0.3' : '2' } = values
  const wanted = only?.split(',') ?? allWorkloads
  const unknown = wanted.filter((name) => !Object.hasOwn(workloads, name))
  if (unknown.length > 0) throw new Error(`--only knows ${allWorkloads.join(', ')}, not ${unknown.join(', ')}.`)
  if (part !== undefined && !isPart(part)) throw new Error(`--part knows ${allParts.join(', ')}, not ${part}.`)
  const measureMs = Number(seconds) * 1_000
  return {
    rounds: { rounds: Number(rounds), measureMs, warmUpMs: measureMs / 2, workloads: wanted as WorkloadName[], connections: 32 },
    startRuns: quick || only !== undefined ? 1 : 10,
    memoryRequests: quick || only !== undefined ? 0 : 100_000,
    writesPages: !quick && only === undefined,
    parts: new Set(only !== undefined ? ['http'] : part === undefined ? allParts : [part]),
  }
}

function isPart(text: string): text is PartName {
  return allParts.some((name) => name === text)
}

async function run(plan: Plan, postgres: PostgresServer, folder: string): Promise<Results> {
  await loadDatabase(postgres.url)
  const starts = await measureStarts(postgres.url, folder, plan.startRuns)
  const generator = await startGenerator()
  const servers: Server[] = []
  try {
    for (const name of serverNames) servers.push(await startServer(name, postgres.url, folder))
    await checkAgreement(servers)
    await forgetCreated(postgres.url)
    const bed = { servers, generator, databaseUrl: postgres.url, dataDirectory: postgres.dataDirectory }
    const samples = await measureRounds(bed, plan.rounds, showProgress)
    return {
      samples,
      options: plan.rounds,
      starts,
      startRuns: plan.startRuns,
      memory: plan.memoryRequests === 0 ? undefined : await memoryOf(postgres.url, folder, generator, plan.memoryRequests),
      versions: versions(await serverVersion(postgres.url)),
      machine: machine(),
    }
  } finally {
    await Promise.all([generator, ...servers].map((process) => process.stop()))
  }
}

/** A server of its own: the one of the rounds has been measured when it was warm. */
async function memoryOf(databaseUrl: string, folder: string, generator: Generator, requests: number) {
  const server = await startServer('plinth', databaseUrl, folder)
  try {
    return await measureMemory(server, generator, allWorkloads, requests)
  } finally {
    await server.stop()
  }
}

async function runCache({ rounds }: Plan, postgres: PostgresServer, folder: string): Promise<CacheResults> {
  const pairs = await measureCache(postgres, folder, rounds)
  return { pairs, options: rounds, versions: versions(await serverVersion(postgres.url)), machine: machine() }
}

async function runAccess({ rounds }: Plan, postgres: PostgresServer, folder: string): Promise<AccessResults> {
  const measured = await measureAccess(postgres, folder, rounds)
  return { ...measured, options: rounds, versions: versions(await serverVersion(postgres.url)), machine: machine() }
}

function publish(file: string, text: string): void {
  console.log(`${text}\n`)
  if (plan.writesPages) writeFileSync(join(import.meta.dirname, file), `${text}\n`)
}

function showProgress(done: number, total: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} measured ${done === total ? '\n' : ''}`)
}

const plan = readPlan()
const folder = mkdtempSync(join(tmpdir(), 'plinth-bench-'))
mkdirSync(join(folder, 'logs'))
const postgres = await startPostgres(installedPostgres() ?? (await npmBinaries(serverUser())) ?? '', {
  fsync: 'on',
  full_page_writes: 'on',
  autovacuum_naptime: '1min',
})
try {
  if (plan.parts.has('http')) publish('RESULTS.md', page(await run(plan, postgres, folder)))
  if (plan.parts.has('cache')) publish('CACHE.md', cachePage(await runCache(plan, postgres, folder)))
  if (plan.parts.has('access')) publish('ACCESS.md', accessPage(await runAccess(plan, postgres, folder)))
} finally {
  await postgres.destroy()
  rmSync(folder, { recursive: true, force: true })
}
