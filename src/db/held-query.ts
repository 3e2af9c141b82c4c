// A query as `pg` describes it, with statements that go ahead of it in its transaction. What `pg` makes of the answer stays as it is.

import { type ClientBase, type Connection, Query, type QueryArrayConfig, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import { tenantCommand, tenantStatement } from './app-role.ts'
import type { Statement } from './rows.ts'
import { send } from './text-query.ts'

type Config = QueryConfig | QueryArrayConfig

/**
 * Runs a query held to a tenant, in one round trip; a CALL outside of a transaction takes three.
 *
 * @param client  was greeted (`greetAsApp`)
 * @throws        whatever `pg` throws
 */
export async function runHeld(client: ClientBase, query: Config, tenant: string, isInTransaction: boolean): Promise<QueryResult> {
  if (isOneStatement(query)) return inOneTransaction(client, query, tenant)
  return isCall(query.text) && !isInTransaction ? callHeld(client, query, tenant) : severalHeld(client, query, tenant)
}

/** What `pg` sends in pieces, for which the server takes one statement. Without values and name it may be several. */
function isOneStatement({ name, values = [], ...more }: Config): boolean {
  return name !== undefined || values.length > 0 || ('queryMode' in more && more.queryMode === 'extended')
}

/** Also behind comments, which PostgreSQL nests; one in another is not looked through. */
function isCall(text: string): boolean {
  return /^(?:\s|--.*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*call\b/i.test(text)
}

function inOneTransaction(client: ClientBase, query: Config, tenant: string): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    client.query(heldQuery(query, tenant, (error, result) => (error === null ? resolve(result) : reject(error))))
  })
}

/** One statement to be given to `client.query`, also of a client that pipelines. */
export function heldQuery(query: Config, tenant: string, answered: Answer): Submittable {
  return new HeldQuery(query, [tenantStatement(tenant)], answered)
}

/** Together they are one transaction. `pg` gives a result for each, and one alone for one. */
async function severalHeld(client: ClientBase, query: Config, tenant: string): Promise<QueryResult> {
  const text = `${tenantCommand(tenant)}; ${query.text}`
  const results: unknown = await client.query({ ...query, text })
  if (!Array.isArray(results)) return { command: '', oid: 0, rowCount: null, fields: [], rows: [] } // but ours there was none
  const [, ...own] = results as QueryResult[]
  return own.length === 1 && own[0] !== undefined ? own[0] : (own as unknown as QueryResult)
}

/** A procedure may end its transaction and begin others, so it is told for the session, which forgets it afterwards. */
async function callHeld(client: ClientBase, query: Config, tenant: string): Promise<QueryResult> {
  const say = (key: string): Promise<unknown> => client.query(`select set_config('plinth.tenant', $1, false)`, [key])
  await say(tenant)
  try {
    return await client.query(query)
  } finally {
    await say('').catch(() => undefined) // a lost connection keeps nothing
  }
}

type Answer = (error: Error | null, result: QueryResult) => void

/** Members of `pg` 8.23's Query that its types leave out; `tenants.test.ts` fails when an update of `pg` loses one. */
interface QueryInternals {
  new (config: Config, values: undefined, callback: Answer): QueryInternals & Query
  prepare(connection: Connection): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
}

class HeldQuery extends (Query as unknown as QueryInternals) {
  readonly #ahead: readonly Statement[]
  /** Those of `#ahead` without their CommandComplete: until it has come, what arrives is about them. */
  #left: number

  constructor(config: Config, ahead: readonly Statement[], callback: Answer) {
    super(config, undefined, callback)
    this.#ahead = ahead
    this.#left = ahead.length
  }

  override prepare(connection: Connection): void {
    for (const statement of this.#ahead) send(connection, statement)
    super.prepare(connection)
  }

  override handleDataRow(message: unknown): void {
    if (this.#left === 0) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#left === 0) super.handleCommandComplete(message, connection)
    else this.#left -= 1
  }
}
