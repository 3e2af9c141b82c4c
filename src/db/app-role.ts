// The role that an application with tenants runs as. Superusers and owners of tables pass row-level security, or can switch it off; this
// role is neither, whoever the user of DATABASE_URL is.

import { type ClientBase, type ClientConfig, type Connection, escapeIdentifier, escapeLiteral } from 'pg'
import { dbErrors } from './errors.ts'
import { pgProblemOf } from './pg-errors.ts'
import type { Statement } from './rows.ts'
import type { PreparingConnection } from './text-query.ts'

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

/** The same connection for migrations: row-level security that also holds owners shows them every row, and nothing is cut short. */
export function asOwner(connection: ClientConfig): ClientConfig {
  const options = `${connection.options ?? ''} -c plinth.tenant=*`.trim()
  return { ...connection, options, statement_timeout: 0, idle_in_transaction_session_timeout: 0 }
}

/** Where the configuration says nothing, as for `connect`. */
const defaultGreetingMs = 5_000

interface Greeted extends ClientBase {
  readonly connection: Connection
  readonly user?: string | undefined
}

interface Greeting {
  readonly role: string
  /** The role is that of the application, and no attribute lets it past policies. */
  readonly held: boolean
}

/** Becomes the role that `plinth.open_to_app()` has made for this database. In the first packet there is nobody to ask for its name, and poolers drop options. */
const greeting = `prepare ${tenantName} (text) as ${tenantText}; select set_config('role', plinth.app_role(), false);
  select rolname as role, rolname = plinth.app_role() and not rolsuper and not rolbypassrls as held from pg_roles where rolname = current_user`

/**
 * Makes the connection one of the application's role, sees that row-level security holds it, and prepares what goes ahead of every statement.
 *
 * @param timeoutMs  after which the connection is cut: a server may freeze after it has let us in
 * @throws AppError `DB_NO_APP_ROLE`, `DB_NOT_HELD`, or what `pg` throws
 */
export async function greetAsApp(client: Greeted, timeoutMs = defaultGreetingMs): Promise<void> {
  const { role, held } = await greet(client, timeoutMs)
  if (!held) throw dbErrors.NOT_HELD(role)
  const connection = client.connection as PreparingConnection
  connection.parsedStatements[tenantName] = tenantText
}

async function greet(client: Greeted, timeoutMs: number): Promise<Greeting> {
  const late = setTimeout(() => client.connection.stream.destroy(), timeoutMs)
  try {
    const answers = await client.query<Greeting>(greeting)
    return [answers].flat().at(-1)?.rows[0] ?? { role: '', held: false }
  } catch (error) {
    throw refusalOfRole(error, client.user ?? '')
  } finally {
    clearTimeout(late)
  }
}

/** SQLSTATEs of a database without the schema `plinth`, or with one that knows no tenants. */
const unknownToIt = ['3F000', '42883']

/** The refusal of a connection because there is no such role, or the user may not be it; any other error as it is. */
function refusalOfRole(error: unknown, user: string): unknown {
  const { sqlstate = '', routine, message = '' } = pgProblemOf(error) ?? {}
  const isMissing = unknownToIt.includes(sqlstate) || (sqlstate === '22023' && routine === 'call_string_check_hook')
  const [role] = sqlstate === '42501' ? (/plinth_app_\d+/.exec(message) ?? []) : []
  if (isMissing) return dbErrors.NO_APP_ROLE().with({ cause: error })
  return role === undefined ? error : dbErrors.NO_APP_ROLE(`GRANT ${role} TO ${escapeIdentifier(user)};`).with({ cause: error })
}
