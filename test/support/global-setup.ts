// Starts, once per test run, the PostgreSQL that is installed here and the embedded one, and tells the tests their URLs.

import type { TestProject } from 'vitest/node'
import { npmBinaries } from '../../src/db/embedded/npm-binaries.ts'
import { installedPostgres } from './binaries.ts'
import { startPostgres, sweepServers, type PostgresServer } from './postgres-server.ts'
import type { TestDatabase } from './postgres.ts'
import { serverUser } from './server-user.ts'
import { folderInMemory } from './temporary.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    databases: TestDatabase[]
  }
}

interface Candidate {
  readonly label: string
  readonly binaries: string | undefined
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepServers()
  const candidates: Candidate[] = [
    { label: 'postgres', binaries: installedPostgres() },
    { label: 'embedded', binaries: await npmBinaries(serverUser()) },
  ]
  const found = candidates.filter((candidate) => candidate.binaries !== undefined)
  if (found.length === 0) throw new Error('There is no PostgreSQL to test with: install PostgreSQL 15 or newer, or run npm ci.')
  const parent = folderInMemory()
  const servers = await Promise.all(found.map(({ binaries = '' }) => startPostgres(binaries, {}, { parent })))
  project.provide(
    'databases',
    servers.map((server, index) => describe(server, found[index])),
  )
  return async () => {
    await Promise.all(servers.map((server) => server.destroy()))
  }
}

function describe(server: PostgresServer, candidate: Candidate | undefined): TestDatabase {
  return { name: `${candidate?.label} ${server.major}`, url: server.url, binaries: candidate?.binaries ?? '' }
}
