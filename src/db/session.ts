// One connection outside of the pool, for what must be answered also when all others are busy: it is made with the first
// statement, and again after it was lost.

import { Client, type ClientConfig, type QueryConfig } from 'pg'
import { tenantInForce } from '../core/tenant.ts'
import { greetAsApp } from './app-role.ts'
import { dbErrors, retryLater } from './errors.ts'
import { runHeld } from './held-query.ts'
import { isConnectionError, toAppError } from './pg-errors.ts'

/** Longest wait for one answer; then the connection is cut. Nothing that a session is for takes a tenth of it. */
const deadlineMs = 2_000
/** A server that is frozen does not say goodbye. */
const closeMs = 500

export class Session {
  readonly #config: ClientConfig
  readonly #hasTenants: boolean
  #client: Promise<Client> | undefined
  #closed = false
  /** pg is about to stop keeping statements in a queue of its own. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(config: ClientConfig, { hasTenants = false }: { readonly hasTenants?: boolean } = {}) {
    this.#config = config
    this.#hasTenants = hasTenants
  }

  /**
   * Runs one statement after those that were given before. It is sent once: after a lost connection nobody knows whether it ran. Where
   * those before it take longer than two seconds, as when the server is gone, it is not sent at all.
   *
   * @throws AppError `DB_UNAVAILABLE`, or what `pg-errors.ts` maps the SQLSTATE to
   */
  query<row extends object = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<row[]> {
    const deadline = performance.now() + deadlineMs
    const tenant = this.#hasTenants ? tenantInForce() : undefined
    const answer = this.#turn.then(() => this.#run<row>({ text, values: [...values] }, tenant, deadline))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  async close(): Promise<void> {
    this.#closed = true
    const client = await this.#client?.catch(() => undefined)
    if (client === undefined) return
    const late = setTimeout(() => client.connection.stream.destroy(), closeMs)
    await client.end().catch(() => undefined)
    clearTimeout(late)
  }

  async #run<row extends object>(query: QueryConfig, tenant: string | undefined, deadline: number): Promise<row[]> {
    if (performance.now() > deadline) throw retryLater(dbErrors.UNAVAILABLE())
    const connected = this.#connected()
    try {
      const client = await connected
      const answer = tenant === undefined ? client.query<row>(query) : runHeld(client, query, tenant, false)
      const { rows } = await inTime(client, answer)
      return rows as row[]
    } catch (error) {
      if (isConnectionError(error)) this.#forget(connected)
      throw toAppError(error)
    }
  }

  #connected(): Promise<Client> {
    if (this.#closed) return Promise.reject(retryLater(dbErrors.UNAVAILABLE()))
    if (this.#client !== undefined) return this.#client
    const client = new Client(this.#config)
    const connected = this.#connect(client)
    const forget = (): void => this.#forget(connected)
    client.on('error', forget).on('end', forget)
    connected.catch(forget)
    this.#client = connected
    return connected
  }

  async #connect(client: Client): Promise<Client> {
    await client.connect()
    if (this.#hasTenants) await greetAsApp(client, this.#config.connectionTimeoutMillis)
    return client
  }

  #forget(connected: Promise<Client>): void {
    if (this.#client === connected) this.#client = undefined
  }
}

async function inTime<result>(client: Client, answer: Promise<result>): Promise<result> {
  const timer = setTimeout(() => client.connection.stream.destroy(), deadlineMs)
  try {
    return await answer
  } finally {
    clearTimeout(timer)
  }
}
