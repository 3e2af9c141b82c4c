// A database of its own on a server that is there, for tests: made in milliseconds, gone afterwards.

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { ownSchemaAside } from './connect.ts'

export interface ScratchDatabase {
  readonly url: string
  /** Removes the database and cuts whoever is still connected. */
  drop(): Promise<void>
}

/** @param server  URL of any database on the server; its user must be allowed to make databases */
export async function createScratchDatabase(server: string): Promise<ScratchDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await runOn(server, [`create database ${name}`])
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => dropDatabase(server, name) }
}

/** With the role that an application with tenants has in it. */
export async function dropDatabase(server: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    const { rows } = await client.query<{ role: string }>(`select 'plinth_app_' || oid as role from pg_database where datname = $1`, [name])
    await client.query(`drop database if exists ${name} with (force)`)
    for (const { role } of rows) await client.query(`drop role if exists ${role}`)
  })
}

/** Runs statements one after another on a connection of their own. */
export async function runOn(url: string, statements: readonly string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement)
  })
}

/** Lends a connection of its own to `work`. */
export async function withClient<result>(url: string, work: (client: Client) => Promise<result>): Promise<result> {
  const client = new Client({ connectionString: url, options: ownSchemaAside(url).join(' ') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
