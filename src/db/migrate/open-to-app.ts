// The rights of the role that an application with tenants runs as, given with each migration and at the end of all.

import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { entitiesOf, type Entity } from './snapshot.ts'

/**
 * Gives the role what it needs in the schemas of the models, where tables have walls, and has views read with the rights of who asks.
 *
 * @param ddl  of the models: what is in no schema of theirs stays closed
 * @throws     MIGRATE_APP_ROLE_REFUSED
 */
export async function openToApp(connection: Connection, ddl: readonly Entity[]): Promise<void> {
  try {
    await connection.query(`SELECT plinth.open_to_app($1) WHERE EXISTS (SELECT FROM pg_policy WHERE polname = 'plinth_tenant')`, [
      schemasOf(ddl),
    ])
  } catch (error) {
    const { code, message = '', hint = '' } = error as { code?: string; message?: string; hint?: string } // DatabaseError, or what the socket threw
    throw code === '42501' ? migrateErrors.APP_ROLE_REFUSED(message, hint).with({ cause: error }) : error
  }
}

function schemasOf(ddl: readonly Entity[]): string[] {
  const placed = [...entitiesOf(ddl, 'tables'), ...entitiesOf(ddl, 'views'), ...entitiesOf(ddl, 'sequences')]
  return [...new Set(placed.map(({ schema }) => schema))]
}
