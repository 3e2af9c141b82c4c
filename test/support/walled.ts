// A table whose rows belong to tenants, behind its wall, made without a migration.

import type { Client } from 'pg'
import { gainedStatements, noTracking, trackingChange } from '../../src/db/migrate/tracking.ts'
import { installSystem } from '../../src/db/system/install.ts'

/**
 * Runs `sql` and puts up walls.
 *
 * @param walled  columns of the tenant, by table of `public`
 */
export async function wallTables(client: Client, sql: string, walled: Readonly<Record<string, string>>): Promise<void> {
  await installSystem(client)
  await client.query(sql)
  const names = Object.keys(walled)
  const ddl = names.map((name) => ({ entityType: 'tables' as const, schema: 'public', name }))
  const wall = Object.fromEntries(names.map((name) => [`public.${name}`, walled[name] ?? '']))
  for (const statement of gainedStatements(trackingChange({ ddl: [] }, { ddl, plinth: { ...noTracking, walled: wall } })))
    await client.query(statement)
  await client.query(`SELECT plinth.open_to_app('{public}')`)
}
