// One connection outside of the pool, for what must be answered also when all others are busy: it is made with the first
// statement, and again after it was lost.

import { Client, type ClientConfig } from 'pg'
import { dbErrors, retryLater } from './errors.ts'
import { isConnectionError, toAppError } from './pg-errors.ts'

/** Longest wait for one answer; then the connection is cut. Nothing that a session is for takes a tenth of it. */
const deadlineMs = 2_000
/** A server that is frozen does not say goodbye. */
const closeMs = 500

export class Session {
  readonly #config: ClientConfig
  #client: Promise<Client> | undefined
  #closed = false
  /** pg is about to stop keeping statements in a queue of its own. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(config: ClientConfig) {
    this.#config = config
  }

  /**
   * Runs one statement after those that were given before. It is sent once: after a lost connection nobody knows whether it ran. Where
   * those before it take longer than two seconds, as when the server is gone, it is not sent at all.
   *
   * @throws AppError `DB_UNAVAILABLE`, or what `pg-errors.ts` maps the SQLSTATE to
   */
  query<row extends object = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<row[]> {
    const deadline = performance.now() + deadlineMs
    const answer = this.#turn.then(() => this.#run<row>(text, values, deadline))
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

  async #run<row extends object>(text: string, values: readonly unknown[], deadline: number): Promise<row[]> {
    if (performance.now() > deadline) throw retryLater(dbErrors.UNAVAILABLE())
    const connected = this.#connected()
    try {
      const client = await connected
      const { rows } = await inTime(client, client.query<row>(text, [...values]))
      return rows
    } catch (error) {
      if (isConnectionError(error)) this.#forget(connected)
      throw toAppError(error)
    }
  }

  #connected(): Promise<Client> {
    if (this.#closed) return Promise.reject(retryLater(dbErrors.UNAVAILABLE()))
    if (this.#client !== undefined) return this.#client
    const client = new Client(this.#config)
    const connected = client.connect().then(() => client)
    const forget = (): void => this.#forget(connected)
    client.on('error', forget).on('end', forget)
    connected.catch(forget)
    this.#client = connected
    return connected
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
