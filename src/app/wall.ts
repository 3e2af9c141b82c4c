// The second wall between tenants, of row-level security: which tables have one, and whether it stands.

import type { Logger } from '../core/log.ts'
import type { HealthCheck } from '../core/module.ts'
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

/**
 * Parentheses, blanks and quotes are left out, so that PostgreSQL may write the condition as it likes (`heldTo` in db/migrate/tracking.ts makes it).
 * A view that somebody has made or replaced by hand is open to the application at once, with the rights of its owner.
 */
const question = `SELECT asked.name FROM unnest($1::text[], $2::text[]) asked (name, tenant) WHERE NOT EXISTS (
  SELECT FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'plinth_tenant'
  CROSS JOIN LATERAL (SELECT 'CASESELECTplinth.tenantAStenantWHEN''*''::textTHENtrueWHEN' || translate(asked.tenant, $3, '') AS start, 'THENtrueELSENULL::booleanENDISNOTNULL' AS rest) ours
  WHERE c.oid = to_regclass(asked.name) AND c.relrowsecurity AND c.relforcerowsecurity AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
    AND translate(pg_get_expr(p.polqual, p.polrelid), $3, '') IN (start || rest, start || '::text' || rest)
    AND translate(pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid), $3, '') IN (start || rest, start || '::text' || rest))
  UNION ALL SELECT rel::text FROM plinth.views_past_walls()`
const leftOut = ' \n\t()"'

/** How long after a try that found no database the next one follows. */
const againMs = 1_000

/** Looks whether the walls stand: before serving, again until a database that is away has answered, and with each look at the health. */
export class WallWatch {
  readonly #definition: AppDefinition
  readonly #db: Database
  readonly #log: Logger
  #again: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(definition: AppDefinition, db: Database, log: Logger) {
    this.#definition = definition
    this.#db = db
    this.#log = log
  }

  /**
   * A database that cannot be reached is asked later; tables and views without their wall are logged, because the first wall stands. So is whatever
   * else kept it from looking.
   *
   * @throws AppError `DB_NO_APP_ROLE`, `DB_NOT_HELD`
   */
  async start(): Promise<void> {
    if (!hasTenants(this.#definition)) return
    try {
      await this.#look()
    } catch (error) {
      if (isAboutRole(error)) throw error
      this.#failed(error)
    }
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#again)
  }

  /** @param required  whether the application is not ready while a table of tenants has no wall */
  checks(required: boolean): HealthCheck[] {
    if (!hasTenants(this.#definition)) return []
    const check: HealthCheck['check'] = async () => {
      const bare = await bareTables(this.#definition, this.#db)
      return { ok: bare.length === 0, withoutWall: bare }
    }
    return [{ name: 'tenants', required, check }]
  }

  async #look(): Promise<void> {
    const tables = await bareTables(this.#definition, this.#db)
    if (tables.length > 0)
      this.#log.warn({ tables }, 'row-level security does not hold these tables and views of tenants yet: run plinth db upgrade')
  }

  #failed(error: unknown): void {
    if (isAway(error)) this.#later()
    else if (isAboutRole(error)) this.#log.error({ err: error }, 'the database does not let the application be its role')
    else this.#log.error({ err: error }, 'whether row-level security holds the tables of tenants could not be found out')
  }

  #later(): void {
    if (this.#isStopped) return
    this.#again = setTimeout(() => void this.#look().catch((error: unknown) => this.#failed(error)), againMs).unref()
  }
}

/** Tables, and views that lead to one. */
async function bareTables(definition: AppDefinition, db: Database): Promise<string[]> {
  const tables = walledTables(definition)
  const names = tables.map(({ model }) => model.sqlName)
  const columns = tables.map(({ column }) => column)
  const bare = await db.query<{ name: string }>(question, [names, columns, leftOut])
  return bare.map(({ name }) => name)
}

/** There is no connection, or none was free in time. */
function isAway(error: unknown): boolean {
  const { code = '' } = appErrorIn(error) ?? {}
  return code === 'DB_UNAVAILABLE' || code === 'DB_OVERLOADED'
}

function isAboutRole(error: unknown): boolean {
  const { code = '' } = appErrorIn(error) ?? {}
  return code === 'DB_NO_APP_ROLE' || code === 'DB_NOT_HELD'
}
