// The second wall between tenants, of row-level security: which tables have one, and whether it stands.

import type { Logger } from '../core/log.ts'
import type { Database } from '../db/database.ts'
import { appErrorIn } from '../db/pg-errors.ts'
import type { Model } from '../model/model.ts'
import { readTable } from '../model/read-table.ts'
import { tenantOption } from '../resource/tenant-option.ts'
import type { AppDefinition } from './define.ts'
import { resourceDefinitions } from './models.ts'

/** Whether any resource has records of tenants: then the application runs as a role that row-level security holds. */
export function hasTenants({ options }: AppDefinition): boolean {
  return resourceDefinitions(options).some((definition) => tenantOption(definition.options) !== undefined)
}

/** The same application, whose resources have records of nobody in particular. */
export function withoutTenants(definition: AppDefinition): AppDefinition {
  const { options } = definition
  const resources = resourceDefinitions(options).map((one) => ({ ...one, options: { ...one.options, tenant: undefined } }))
  return { ...definition, options: { ...options, resources } }
}

export interface WalledTable {
  readonly model: Model
  /** Holds the key of a row's tenant. */
  readonly column: string
}

/** A view is held by the tables that it reads. */
export function walledTables({ options }: AppDefinition): WalledTable[] {
  return resourceDefinitions(options).flatMap((definition) => {
    const model = readTable(definition.table)
    const column = model.fieldByName.get(tenantOption(definition.options)?.field ?? '')?.column
    return column === undefined || model.isView ? [] : [{ model, column }]
  })
}

/** Parentheses, blanks and quotes are left out, so that PostgreSQL may write the condition as it likes (`heldTo` in db/migrate/tracking.ts makes it). */
const question = `SELECT asked.name FROM unnest($1::text[], $2::text[]) asked (name, tenant) WHERE NOT EXISTS (
  SELECT FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'plinth_tenant'
  CROSS JOIN LATERAL (SELECT 'CASESELECTplinth.tenantAStenantWHEN''*''::textTHENtrueWHEN' || translate(asked.tenant, $3, '') AS start, 'THENtrueELSENULL::booleanENDISNOTNULL' AS rest) ours
  WHERE c.oid = to_regclass(asked.name) AND c.relrowsecurity AND c.relforcerowsecurity AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
    AND translate(pg_get_expr(p.polqual, p.polrelid), $3, '') IN (start || rest, start || '::text' || rest)
    AND translate(pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid), $3, '') IN (start || rest, start || '::text' || rest))`
const leftOut = ' \n\t()"'

/**
 * Asked before serving. A database that cannot be reached says nothing; tables without their wall are logged, because the first wall stands.
 *
 * @throws AppError `DB_NO_APP_ROLE`, `DB_NOT_HELD`
 */
export async function checkWall(definition: AppDefinition, db: Database, log: Logger): Promise<void> {
  if (!hasTenants(definition)) return
  try {
    const tables = walledTables(definition)
    const names = tables.map(({ model }) => model.sqlName)
    const columns = tables.map(({ column }) => column)
    const bare = (await db.query<{ name: string }>(question, [names, columns, leftOut])).map(({ name }) => name)
    if (bare.length > 0) log.warn({ tables: bare }, 'row-level security does not hold these tables of tenants yet: run plinth db upgrade')
  } catch (error) {
    const { code = '' } = appErrorIn(error) ?? {}
    if (code === 'DB_NO_APP_ROLE' || code === 'DB_NOT_HELD') throw error
  }
}
