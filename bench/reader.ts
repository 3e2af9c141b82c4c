// Reads through the pipelined reader (both kinds) and through a stock `pg` pool, in alternating rounds on a server of its own.
//   node --conditions=source bench/reader.ts                        the table
//   node --conditions=source --expose-gc bench/reader.ts memory     heap and resident memory over 300,000 reads

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Pool } from 'pg'
import { createReader, type Reader } from '../src/db/reader/reader.ts'
import type { Statement } from '../src/db/rows.ts'
import { installedPostgres } from '../test/support/binaries.ts'
import { npmBinaries } from '../src/db/embedded/npm-binaries.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { serverUser } from '../test/support/server-user.ts'

const rowsInTable = 10_000
const roundMs = 1_000
const rounds = 5
const inFlights = [1, 8, 32]

const columns = 'id, name, description, price, stock, active, created_at, updated_at'
const schema = `
  create table items (id serial primary key, name varchar(100) not null, description text, price numeric(10,2) not null,
    stock int not null, active boolean not null, created_at timestamptz not null, updated_at timestamptz not null);
  insert into items (name, description, price, stock, active, created_at, updated_at)
    select 'Item ' || i, 'The description of item number ' || i || ', about as long as one sentence.', i * 1.37, i % 100, i % 2 = 0, now(), now()
    from generate_series(1, ${rowsInTable}) i;
  vacuum analyze items`

type Run = (statement: Statement) => Promise<unknown>

interface Contender {
  readonly name: string
  readonly run: Run
  close(): Promise<void>
}

interface Measure {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

const workloads: Readonly<Record<string, () => Statement>> = {
  point: () => ({ name: 'point', text: `select ${columns} from items where id = $1`, values: [randomId()] }),
  list50: () => ({ name: 'list50', text: `select ${columns} from items where id > $1 order by id limit 50`, values: [randomId()] }),
}

function randomId(): string {
  return String(1 + Math.floor(Math.random() * (rowsInTable - 50)))
}

function poolContender(url: string): Contender {
  const pool = new Pool({ connectionString: url, max: 10 })
  return {
    name: 'pg pool 10, named',
    run: ({ name, text, values }) => pool.query({ name, text, values: [...values] }),
    close: () => pool.end(),
  }
}

function readerContender(url: string, kind: 'thin' | 'pg'): Contender {
  const reader = makeReader(url, kind)
  return { name: `reader ${kind} ×4`, run: (statement) => reader.read(statement), close: () => reader.close() }
}

function makeReader(url: string, kind: 'thin' | 'pg'): Reader {
  return createReader({ connection: { connectionString: url }, connections: 4, statementTimeoutMs: 10_000, kind })
}

/** Keeps `inFlight` statements going for `forMs`. */
async function measure(run: Run, statement: () => Statement, inFlight: number, forMs: number): Promise<Measure> {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  let done = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      await run(statement())
      done += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: (done * 1_000) / (performance.now() - startedAt), cpuMicroseconds: (user + system) / done }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function compare(contenders: readonly Contender[], workload: string, statement: () => Statement, inFlight: number): Promise<void> {
  const measures = new Map<Contender, Measure[]>(contenders.map((contender) => [contender, []]))
  for (const { run } of contenders) await measure(run, statement, inFlight, roundMs / 2)
  for (let round = 0; round < rounds; round += 1) {
    for (const [{ run }, list] of measures) list.push(await measure(run, statement, inFlight, roundMs))
  }
  const baseline = median((measures.values().next().value ?? []).map((each) => each.cpuMicroseconds))
  for (const [{ name }, list] of measures) {
    const cpu = median(list.map((each) => each.cpuMicroseconds))
    const perSecond = median(list.map((each) => each.perSecond))
    console.log(
      [
        workload.padEnd(7),
        String(inFlight).padStart(3),
        name.padEnd(18),
        `${perSecond.toFixed(0)}/s`.padStart(9),
        `${cpu.toFixed(1)} µs`.padStart(9),
        `${(baseline / cpu).toFixed(2)}×`,
      ].join('  '),
    )
  }
}

async function table(url: string): Promise<void> {
  const contenders = [poolContender(url), readerContender(url, 'pg'), readerContender(url, 'thin')]
  console.log('workload, in flight, contender, reads per second, Node CPU per read, times less CPU than the pool')
  for (const [workload, statement] of Object.entries(workloads)) {
    for (const inFlight of inFlights) await compare(contenders, workload, statement, inFlight)
  }
  await Promise.all(contenders.map((contender) => contender.close()))
}

/** Every hundredth statement has a name of its own, every fiftieth fails: what is kept per name or per error would show. */
async function memory(url: string): Promise<void> {
  const reader = makeReader(url, 'thin')
  let asked = 0
  const next = (): Statement => {
    asked += 1
    const values = [randomId()]
    if (asked % 50 === 0) return { text: 'select 1 / (id - id) from items where id = $1', values }
    if (asked % 100 === 1) return { name: `name ${asked}`, text: `select ${columns} from items where id = $1 and ${asked} > 0`, values }
    return workloads.list50?.() ?? { text: 'select', values: [] }
  }
  for (let round = 0; round <= 6; round += 1) {
    const report = process.memoryUsage()
    console.log(
      `${String(asked).padStart(7)} reads  heap ${mebibytes(report.heapUsed)}  buffers ${mebibytes(report.arrayBuffers)}  resident ${mebibytes(report.rss)}`,
    )
    const until = asked + 50_000
    const worker = async (): Promise<void> => {
      while (asked < until) await reader.read(next()).catch(() => undefined)
    }
    await Promise.all(Array.from({ length: 32 }, worker))
    await sleep(200)
    globalThis.gc?.()
  }
  await reader.close()
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

const { positionals } = parseArgs({ allowPositionals: true })
const server = await startPostgres(installedPostgres() ?? (await npmBinaries(serverUser())) ?? '')
try {
  const pool = new Pool({ connectionString: server.url, max: 1 })
  for (const statement of schema.split(';')) await pool.query(statement)
  await pool.end()
  await (positionals[0] === 'memory' ? memory(server.url) : table(server.url))
} finally {
  await server.destroy()
}
