// What versions of tables cost PostgreSQL, in processor time of its backend: the question of a reader, and a write with each trigger.
// Processor time and not latency, so that it may be run on a machine that does other things, too.
//
//   node --conditions=source bench/table-versions.ts

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import { npmBinaries } from '../src/db/embedded/npm-binaries.ts'
import { versionStatement, type VersionQuestion } from '../src/db/system/version-query.ts'
import { installedPostgres } from '../test/support/binaries.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { serverUser } from '../test/support/server-user.ts'
import { trackTables } from '../test/support/tracked.ts'

const runs = 5
const turns = 3_000

const columns = '(id integer PRIMARY KEY, value integer)'
const kinds = ['plain', 'versioned', 'tracked', 'cached', 'fenced'] as const
const tables = kinds
  .map((name) => `CREATE TABLE ${name} ${columns}; INSERT INTO ${name} SELECT i, 0 FROM generate_series(1, 1000) i;`)
  .join('\n')

interface Measured {
  readonly what: string
  readonly microseconds: number
}

async function measure(binaries: string): Promise<Measured[]> {
  const server = await startPostgres(binaries)
  const client = new Client({ connectionString: server.url })
  await client.connect()
  try {
    await trackTables(client, tables, { versioned: ['versioned', 'cached'], tracked: ['tracked', 'cached'], fenced: ['fenced'] })
    await client.query('CREATE TABLE held (id integer)')
    await client.query('VACUUM ANALYZE')
    return await measureAll(client, server.url)
  } finally {
    await client.end()
    await server.destroy()
  }
}

async function measureAll(client: Client, url: string): Promise<Measured[]> {
  const results: Measured[] = []
  const note = async (what: string, text: string, values: readonly (string | null)[] = []): Promise<void> => {
    results.push({ what, microseconds: await cpuOf(client, text, values) })
  }
  await note('select $1', 'SELECT $1::text', ['x'])
  for (const [what, question] of questions) {
    const { text, values } = versionStatement(question)
    await note(what, text, values)
  }
  for (const kind of kinds) await note(`update, ${kind}`, `UPDATE ${kind} SET value = value + 1 WHERE id = 7`)
  for (const begin of ['SELECT count(*) FROM held', 'INSERT INTO held VALUES (1)']) await whileHeld(url, begin, note)
  return results
}

const row = { table: '"cached"', condition: '"id" = $1::text::integer', values: ['7'] }
const questions: readonly (readonly [string, VersionQuestion])[] = [
  ['version of one table', { tables: ['"cached"'] }],
  ['version of three tables', { tables: ['"cached"', '"tracked"', '"tracked"'] }],
  ['version of a row', { tables: [], row }],
  ['version of a row and two tables', { tables: ['"cached"', '"tracked"'], row }],
]

type Note = (what: string, text: string, values?: readonly (string | null)[]) => Promise<void>

/** The same while another session keeps its snapshot, or a transaction that has written: rows that were removed cannot go then. */
async function whileHeld(url: string, begin: string, note: Note): Promise<void> {
  const holder = new Client({ connectionString: url })
  holder.on('error', () => undefined) // the server goes when something fails; that failure is the one that tells
  await holder.connect()
  await holder.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${begin}`)
  const { text, values } = versionStatement({ tables: ['"cached"', '"tracked"', '"tracked"'] })
  for (const kind of ['plain', 'tracked'])
    await note(`update, ${kind}, during ${begin}`, `UPDATE ${kind} SET value = value + 1 WHERE id = 8`)
  await note(`version of three tables, after ${runs * turns} writes during ${begin}`, text, values)
  await holder.end()
}

/** Microseconds of the backend's processor for one execution of a prepared statement; the best of some runs. */
async function cpuOf(client: Client, text: string, values: readonly (string | null)[]): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const pid = rows[0]?.pid ?? 0
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32)
  let best = Infinity
  for (let run = 0; run < runs; run++) {
    const start = cpuTime(pid)
    for (let turn = 0; turn < turns; turn++) await client.query({ name, text, values: [...values] })
    best = Math.min(best, (cpuTime(pid) - start) / 1_000 / turns)
  }
  return best
}

/** Nanoseconds a process has been on a processor. */
function cpuTime(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0])
}

for (const binaries of [installedPostgres(), await npmBinaries(serverUser())]) {
  if (binaries === undefined) continue
  const results = await measure(binaries)
  process.stdout.write(
    `${binaries}\n${results.map(({ what, microseconds }) => `${microseconds.toFixed(1).padStart(8)} µs  ${what}`).join('\n')}\n`,
  )
}
