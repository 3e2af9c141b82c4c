// What it costs to be somebody: the two sides of each case one right after the other.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { trackingOf } from '../../src/app/tracking.ts'
import { createScratchDatabase } from '../../src/db/scratch-database.ts'
import { createSchema } from '../../src/testing/create-schema.ts'
import type { PostgresServer } from '../../test/support/postgres-server.ts'
import { runAll } from '../data.ts'
import { type Measured, measureLoad, type Times } from '../measure-load.ts'
import { type Generator, type Server, startGenerator, startScript } from '../processes.ts'
import { accessApp, type AppName, appNames } from './app.ts'
import { appOf, type Case, cases, type Read, requestsOf, type Side } from './cases.ts'
import { measureSignIns, type SignIns } from './sign-ins.ts'
import { models } from './tables.ts'
import { type Credentials, credentialsFile, rows } from './users.ts'

export interface AccessOptions extends Times {
  readonly rounds: number
}

export interface AccessPair {
  readonly case: Case
  readonly base: Measured
  readonly side: Measured
}

export interface AccessMeasurements {
  readonly pairs: readonly AccessPair[]
  readonly signIns: SignIns
}

interface AccessServer extends Omit<Server, 'name'> {
  readonly users: readonly Credentials[]
}

interface AccessBed {
  readonly servers: ReadonlyMap<AppName, AccessServer>
  readonly generator: Generator
  readonly dataDirectory: string
}

const connections = 32

/** @throws Error when the server answers anything but 2xx */
export async function measureAccess(postgres: PostgresServer, folder: string, options: AccessOptions): Promise<AccessMeasurements> {
  const generator = await startGenerator()
  const servers = new Map<AppName, AccessServer>()
  try {
    for (const name of appNames) servers.set(name, await startAccessServer(name, postgres.url, join(folder, `access-${name}`)))
    const bed = { servers, generator, dataDirectory: postgres.dataDirectory }
    const pairs = await measureRounds(bed, options)
    const { port, users } = serverOf(servers, 'policies')
    return { pairs, signIns: await measureSignIns(port, users) }
  } finally {
    await Promise.all([generator, ...servers.values()].map((process) => process.stop()))
  }
}

async function startAccessServer(name: AppName, postgresUrl: string, place: string): Promise<AccessServer> {
  const { url } = await createScratchDatabase(postgresUrl)
  await createSchema(url, models, trackingOf(accessApp(name)))
  mkdirSync(join(place, 'logs'), { recursive: true })
  const server = await startScript(join(import.meta.dirname, 'servers', 'plinth.ts'), [url, place, name])
  await runAll(url, rows)
  return { ...server, users: JSON.parse(readFileSync(join(place, credentialsFile), 'utf8')) as Credentials[] }
}

function serverOf(servers: AccessBed['servers'], name: AppName): AccessServer {
  const server = servers.get(name)
  if (server === undefined) throw new Error(`The application "${name}" was not started.`)
  return server
}

async function measureRounds(bed: AccessBed, options: AccessOptions): Promise<AccessPair[]> {
  const pairs: AccessPair[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    for (const one of cases) {
      const of = (side: Side): Promise<Measured> => measure(bed, side, one.read, options)
      pairs.push({ case: one, base: await of(one.base), side: await of(one.side) })
    }
  }
  return pairs
}

function measure({ servers, ...bed }: AccessBed, side: Side, read: Read, options: AccessOptions): Promise<Measured> {
  const server = serverOf(servers, appOf(side))
  const order = { workload: requestsOf(side, read, server.users), connections }
  return measureLoad({ name: `${side.resource}, ${side.way}`, server, ...bed }, order, options)
}
