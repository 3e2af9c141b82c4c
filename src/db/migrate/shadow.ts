// A database to try migrations on: PGlite in memory, or a scratch database on a real server (same version, same extensions).

import { Client } from 'pg'
import { ownSchemaAside } from '../connect.ts'
import { createScratchDatabase } from '../scratch-database.ts'
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
  'bloom',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'lo',
  'ltree',
  'pg_trgm',
  'pgcrypto',
  'seg',
  'tablefunc',
  'tcn',
  'tsm_system_rows',
  'tsm_system_time',
  'unaccent',
  'uuid-ossp',
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
    const database = await createScratchDatabase(url)
    const client = new Client({
      connectionString: database.url,
      options: ownSchemaAside(database.url).join(' '),
      connectionTimeoutMillis: 5_000,
    })
    client.on('error', () => undefined) // a lost connection fails the query that follows
    await client.connect()
    const shadow: Shadow = {
      connection: client,
      major: await majorOf(client),
      async close() {
        await client.end()
        await database.drop()
      },
    }
    if (await hasExtensions(client, extensions)) return shadow
    await shadow.close()
    return undefined
  }
}

async function hasExtensions(connection: Connection, extensions: readonly string[]): Promise<boolean> {
  const { rows } = await connection.query<{ name: string }>('SELECT name FROM pg_available_extensions')
  const available = new Set(rows.map(({ name }) => name))
  return extensions.every((name) => available.has(name))
}

/** Major version of a server. */
export async function majorOf(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ major: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS major`)
  return rows[0]?.major ?? 0
}
