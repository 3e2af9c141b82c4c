// Writes past the framework, as psql, a migration or another service makes them.

import { setTimeout as sleep } from 'node:timers/promises'
import { Client, DatabaseError } from 'pg'
import { type Random, randomFrom } from '../guarantees/support/random.ts'
import type { History, Sent } from './history.ts'
import type { Load, Values } from './load.ts'
import type { Mode } from './modes.ts'

const reconnectMs = 50
const pausesMs = { seen: 20, refused: 300 }
const connectTimeoutMs = 2_000

export interface OutsideOptions {
  readonly mode: Mode
  readonly history: History
  readonly values: Values
  readonly databaseUrl: string
  readonly seed: number
}

export function startOutsideWriter(options: OutsideOptions): Load {
  const ending = new AbortController()
  const finished = new OutsideWriter(options).run(ending.signal)
  return {
    async stop() {
      ending.abort()
      await finished
    },
  }
}

type Change = (client: Client, table: string, key: number, value: number) => Promise<unknown>

const update: Change = (client, table, key, value) => client.query(`update ${table} set value = $2 where id = $1`, [key, value])

/** A record that is deleted and made anew must not get a version that it has had before. */
const replace: Change = async (client, table, key, value) => {
  await client.query('begin')
  await client.query(`delete from ${table} where id = $1`, [key])
  await client.query(`insert into ${table} (id, value) values ($1, $2)`, [key, value])
  await client.query('commit')
}

const rollBack: Change = async (client, table, key, value) => {
  await client.query('begin')
  await update(client, table, key, value)
  await client.query('rollback')
}

class OutsideWriter {
  readonly #options: OutsideOptions
  readonly #random: Random

  constructor(options: OutsideOptions) {
    this.#options = options
    this.#random = randomFrom(options.seed)
  }

  async run(signal: AbortSignal): Promise<void> {
    const pauseMs = pausesMs[this.#options.mode.outside ?? 'seen']
    while (!signal.aborted) {
      const client = new Client({ connectionString: this.#options.databaseUrl, connectionTimeoutMillis: connectTimeoutMs })
      let isOpen = true
      client.on('error', () => (isOpen = false)).on('end', () => (isOpen = false))
      await client.connect().catch(() => (isOpen = false))
      while (isOpen && !signal.aborted) {
        await this.#change(client)
        await sleep(this.#random.below(pauseMs * 2))
      }
      await client.end().catch(() => undefined)
      await sleep(reconnectMs)
    }
  }

  async #change(client: Client): Promise<void> {
    const { history, mode, values } = this.#options
    const change = this.#random.pick([update, update, update, replace, rollBack])
    const sent = history.beginWrite(this.#random.pick(history.keys), values.next())
    try {
      await change(client, mode.name, sent.key, sent.value)
      if (change === rollBack) history.refuseWrite([sent])
      else history.endWrite([sent])
    } catch (error) {
      await this.#failed(client, sent, error)
    }
  }

  /** What PostgreSQL refuses while it works on has not happened; a server that goes down (class 57) may have done it. */
  async #failed(client: Client, sent: Sent, error: unknown): Promise<void> {
    const { history } = this.#options
    const code = error instanceof DatabaseError ? (error.code ?? '') : ''
    if (code === '' || code.startsWith('57')) return history.loseWrite([sent], 'outside: no answer')
    history.refuseWrite([sent])
    await client.query('rollback').catch(() => undefined)
  }
}
