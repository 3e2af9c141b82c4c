// The databases a test may use: servers that the run has started, and a fresh database on one of them in milliseconds.

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { dropDatabase } from '../../src/db/scratch-database.ts'

export interface TestDatabase {
  /** `postgres 15`, `embedded 18`. */
  readonly name: string
  /** Superuser URL of the server. Do not write to this database: ask for a `scratchDatabase`. */
  readonly url: string
  /** Folder of the server's programs, for tests that start a server of their own. */
  readonly binaries: string
}

export interface ScratchDatabase {
  readonly url: string
  /** Removes the database and cuts whoever is still connected. */
  drop(): Promise<void>
}

/** Every server of this run; for `describe.each(testDatabases())`. */
export function testDatabases(): TestDatabase[] {
  return inject('databases')
}

/** One server, where the version does not matter: the oldest, because what it can do the others can. */
export function testDatabase(): TestDatabase {
  const [first] = testDatabases()
  if (first === undefined) throw new Error('The test run has started no PostgreSQL server.')
  return first
}

/**
 * Makes an empty database.
 *
 * @param serverUrl  URL of any database on the server; default: the server of `testDatabase()`
 * @param template   database to copy instead, which nobody may be connected to
 */
export async function scratchDatabase(serverUrl: string = testDatabase().url, template = 'template1'): Promise<ScratchDatabase> {
  const name = `scratch_${randomBytes(8).toString('hex')}`
  await administer(serverUrl, `CREATE DATABASE ${name} TEMPLATE "${template}"`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => dropDatabase(serverUrl, name) }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
