// The rights of the role that an application with tenants runs as, given with each migration and at the end of all.

import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { quoteName } from './quote.ts'
import { entitiesOf, type Entity } from './snapshot.ts'

const wherePoliciesStand = `WHERE EXISTS (SELECT FROM pg_policy WHERE polname = 'plinth_tenant')`

/**
 * Gives the role what it needs in the schemas of the models, where tables have walls, and has views read with the rights of who asks.
 *
 * @param ddl  of the models: what is in no schema of theirs stays closed, and what belongs to others where they do not name it
 * @throws     MIGRATE_APP_ROLE_REFUSED
 */
export async function openToApp(connection: Connection, ddl: readonly Entity[]): Promise<void> {
  const placed = placedIn(ddl)
  const schemas = [...new Set(placed.map(({ schema }) => schema))]
  try {
    await connection.query(`SELECT plinth.open_to_app($1, $2) ${wherePoliciesStand}`, [schemas, namesOf(placed)])
  } catch (error) {
    const { code, message = '', hint = '' } = error as { code?: string; message?: string; hint?: string } // DatabaseError, or what the socket threw
    throw code === '42501' ? migrateErrors.APP_ROLE_REFUSED(message, hint).with({ cause: error }) : error
  }
}

/**
 * Asks whether the role may read what the models name. Tables of others it may have to be given by them: without that, each request that needs one would
 * fail. Whoever lets it read and no more means that. Asked when all is committed, because the role that a grant names has to be there.
 *
 * @throws  MIGRATE_APP_ROLE_REFUSED, with the grants to run
 */
export async function refuseClosed(connection: Connection, ddl: readonly Entity[]): Promise<void> {
  const { rows } = await connection.query<{ rel: string; command: string }>(
    `SELECT rel::text, command FROM plinth.closed_to_app($1) ${wherePoliciesStand} ORDER BY 1`,
    [namesOf(placedIn(ddl))],
  )
  if (rows.length === 0) return
  const [closed, commands] = [rows.map(({ rel }) => rel).join(', '), rows.map(({ command }) => command).join(' ')]
  throw migrateErrors.APP_ROLE_REFUSED(
    `The migrations are applied, but the role that the application runs as may not use what belongs to others: ${closed}.`,
    `Its owner has to run this once: ${commands}`,
  )
}

interface Placed {
  readonly schema: string
  readonly name: string
}

function placedIn(ddl: readonly Entity[]): readonly Placed[] {
  return [...entitiesOf(ddl, 'tables'), ...entitiesOf(ddl, 'views'), ...entitiesOf(ddl, 'sequences')]
}

const namesOf = (placed: readonly Placed[]): string[] => placed.map(({ schema, name }) => `${quoteName(schema)}.${quoteName(name)}`)
