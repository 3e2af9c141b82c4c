// The role that an application with tenants runs as. Superusers and owners of tables pass row-level security, or can switch it off; this
// role is neither, whoever the user of DATABASE_URL is.

import { type ClientBase, type ClientConfig, type Connection, escapeLiteral } from 'pg'
import { dbErrors } from './errors.ts'
import { pgProblemOf } from './pg-errors.ts'
import type { Statement } from './rows.ts'
import type { PreparingConnection } from './text-query.ts'

/** Made by `plinth.open_to_app()`, which `plinth db upgrade` calls. */
const appRole = 'plinth_app'

const tenantName = 'plinth_tenant'
const tenantText = `select set_config('plinth.tenant', $1, true)`

/** What goes ahead of a statement, in one transaction with it: the tenant whose rows it reaches. It ends with that transaction. */
export function tenantStatement(tenant: string): Statement & { readonly name: string } {
  return { name: tenantName, text: tenantText, values: [tenant] }
}

/** The same to be put before others in one text. */
export function tenantCommand(tenant: string): string {
  return `select set_config('plinth.tenant', ${escapeLiteral(tenant)}, true)`
}

/** The same connection, as the application's role from its first packet on. */
export function asAppRole(connection: ClientConfig): ClientConfig {
  return { ...connection, options: `${connection.options ?? ''} -c role=${appRole}`.trim() }
}

/** The same connection for migrations: row-level security that also holds owners shows them every row, and nothing is cut short. */
export function asOwner(connection: ClientConfig): ClientConfig {
  const options = `${connection.options ?? ''} -c plinth.tenant=*`.trim()
  return { ...connection, options, statement_timeout: 0, idle_in_transaction_session_timeout: 0 }
}

/** Where the configuration says nothing, as for `connect`. */
const defaultGreetingMs = 5_000

interface Greeted extends ClientBase {
  readonly connection: Connection
}

/**
 * Prepares what goes ahead of every statement, and sees that the connection is held: what stands between (a proxy, a pooler) may have kept
 * the options to itself.
 *
 * @param timeoutMs  after which the connection is cut: a server may freeze after it has let us in
 * @throws AppError `DB_NOT_HELD`, or what `pg` throws
 */
export async function greetAsApp(client: Greeted, timeoutMs = defaultGreetingMs): Promise<void> {
  const late = setTimeout(() => client.connection.stream.destroy(), timeoutMs)
  const answers = await client
    .query<{ role: string }>(`prepare ${tenantName} (text) as ${tenantText}; select current_user::text as role`)
    .finally(() => clearTimeout(late))
  const { role } = [answers].flat().at(-1)?.rows[0] ?? {}
  if (role !== appRole) throw dbErrors.NOT_HELD(role ?? '')
  const connection = client.connection as PreparingConnection
  connection.parsedStatements[tenantName] = tenantText
}

/** The refusal of a connection because there is no such role, or the user may not be it; any other error as it is. */
export function refusalOfRole(error: unknown): unknown {
  const problem = pgProblemOf(error)
  const isAboutRole = problem?.routine === 'call_string_check_hook' && (problem.sqlstate === '22023' || problem.sqlstate === '42501')
  return isAboutRole ? dbErrors.NO_APP_ROLE().with({ cause: error }) : error
}
