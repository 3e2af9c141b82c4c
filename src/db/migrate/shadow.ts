// A database to try migrations on: PGlite in memory, or a scratch database on a real server (same version, same extensions).

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import type { Connection } from './connection.ts'
import { importTool } from './import-tool.ts'

export interface Shadow {
  readonly connection: Connection
  /** Major version; catalogs of different ones write views differently. */
  readonly major: number
  close(): Promise<void>
}

/** Opens an empty shadow that has these extensions; undefined when this kind of shadow cannot have them. */
export type OpenShadow = (extensions: readonly string[]) => Promise<Shadow | undefined>

/** Extensions whose files come with PGlite, by name in SQL. PostGIS and pgvector do not. */
const bundled = [
  'bloom', 'btree_gin', 'btree_gist', 'citext', 'cube', 'dict_int', 'dict_xsyn', 'earthdistance', 'fuzzystrmatch', 'hstore',
  'intarray', 'isn', 'lo', 'ltree', 'pg_trgm', 'pgcrypto', 'seg', 'tablefunc', 'tcn', 'tsm_system_rows', 'tsm_system_time', 'unaccent', 'uuid-ossp',
]

/** PostgreSQL 18 in this process; 1.8 s to start, about 300 MB while it is open. */
export const pgliteShadow: OpenShadow = async (extensions) => {
  if (extensions.some((name) => !bundled.includes(name))) return undefined
  const { PGlite } = await importTool('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  const loaded = await Promise.all(extensions.map(async (name) => [name, await contribution(name)] as const))
  const database = await PGlite.create({ extensions: Object.fromEntries(loaded) })
  return { connection: database, major: 18, close: () => database.close() }
}

type Contribution = typeof import('@electric-sql/pglite/contrib/citext').citext

async function contribution(name: string): Promise<Contribution> {
  const file = name.replace('-', '_')
  const specifier = `@electric-sql/pglite/contrib/${file}`
  const exports: Record<string, Contribution> = await import(specifier)
  const found = exports[file]
  if (found === undefined) throw new Error(`PGlite's file of the extension ${name} does not export it.`)
  return found
}

/**
 * A database of its own on a server, dropped on close. The role needs CREATEDB.
 *
 * @param url  any database of the server
 */
export function serverShadow(url: string): OpenShadow {
  return async (extensions) => {
    const admin = await connect(url)
    try {
      const { rows } = await admin.query<{ name: string }>('SELECT name FROM pg_available_extensions')
      const available = new Set(rows.map(({ name }) => name))
      if (extensions.some((name) => !available.has(name))) return undefined
      return await scratch(admin, url)
    } finally {
      await admin.end()
    }
  }
}

async function scratch(admin: Client, url: string): Promise<Shadow> {
  const name = `plinth_shadow_${randomBytes(6).toString('hex')}`
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const client = await connect(own.href)
  const { rows } = await client.query<{ major: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS major`)
  const close = async (): Promise<void> => {
    await client.end()
    const again = await connect(url)
    await again.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => again.end())
  }
  return { connection: client, major: rows[0]?.major ?? 0, close }
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 5_000 })
  await client.connect()
  return client
}
