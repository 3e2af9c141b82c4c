// The clients: each has one mode and one connection to one process, and sends one request after the other.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, randomFrom } from '../guarantees/support/random.ts'
import { type Answer, HttpConnection } from './http-connection.ts'
import { type History, now } from './history.ts'
import { type Mode, pickRead, valuesIn } from './modes.ts'

/** About 15 % of the requests are writes, some of which are rolled back. */
const readsPerWrite = 7
const writesPerRollback = 20
/** A request that writes up to three registers, in one transaction. */
const writesPerBulk = 5
/** 409: rolled back on purpose; 404: it waited for a record that was being replaced. */
const refusals: readonly number[] = [404, 409]
/** Longer than the application's own deadlines, so that it is the application that gives up. */
const answerDeadlineMs = 15_000
const reconnectMs = 20

interface Item {
  readonly id: number
  readonly value: number
}

/** Gives every write of a run a value of its own. */
export interface Values {
  next(): number
}

export interface LoadOptions {
  readonly mode: Mode
  readonly history: History
  readonly values: Values
  /** Asked for again when the connection is lost. */
  readonly ports: readonly (() => number)[]
  readonly clientsPerProcess: number
  readonly seed: number
}

export interface Load {
  /** Ends when the requests under way are answered. */
  stop(): Promise<void>
}

export function startLoad(options: LoadOptions): Load {
  const ending = new AbortController()
  const clients = options.ports.flatMap((port, process) =>
    Array.from({ length: options.clientsPerProcess }, (_, index) =>
      new Client(options, process, port, randomFrom(options.seed * 1_000 + process * 100 + index)).run(ending.signal),
    ),
  )
  const finished = Promise.all(clients)
  return {
    async stop() {
      ending.abort()
      await finished
    },
  }
}

class Client {
  readonly #options: LoadOptions
  readonly #process: number
  readonly #port: () => number
  readonly #random: Random

  constructor(options: LoadOptions, process: number, port: () => number, random: Random) {
    this.#options = options
    this.#process = process
    this.#port = port
    this.#random = random
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = await HttpConnection.open(this.#port(), answerDeadlineMs).catch(() => undefined)
      if (connection === undefined) await sleep(reconnectMs)
      while (connection?.isOpen === true && !signal.aborted) await this.#operate(connection)
      connection?.close()
    }
  }

  #operate(connection: HttpConnection): Promise<void> {
    const { history, mode, values } = this.#options
    const key = this.#random.pick(history.keys)
    if (!this.#random.once(readsPerWrite)) return this.#read(connection, key)
    const { rolledBackPath, bulkPath, writePath } = mode
    if (rolledBackPath !== undefined && this.#random.once(writesPerRollback)) return this.#writeOne(connection, key, rolledBackPath(key))
    if (bulkPath === undefined || !this.#random.once(writesPerBulk)) return this.#writeOne(connection, key, writePath(key))
    const written = [...new Set([key, this.#random.pick(history.keys), this.#random.pick(history.keys)])]
    const items = written.toSorted((a, b) => a - b).map((id) => ({ id, value: values.next() }))
    return this.#write(connection, items, bulkPath, items)
  }

  async #read(connection: HttpConnection, key: number): Promise<void> {
    const { history, mode } = this.#options
    const form = pickRead(mode, this.#random)
    const begin = now()
    try {
      const answer = await connection.send('GET', form.path(key))
      const facts = { by: this.#process, form: form.name, cache: answer.cache }
      if (answer.status === 200) history.endRead(begin, form.keys(key, history.keys), valuesIn(answer.body), facts)
      else history.loseRead(failureOf(answer))
    } catch {
      history.loseRead('no answer')
    }
  }

  #writeOne(connection: HttpConnection, id: number, path: string): Promise<void> {
    const value = this.#options.values.next()
    return this.#write(connection, [{ id, value }], path, { value })
  }

  async #write(connection: HttpConnection, items: readonly Item[], path: string, body: unknown): Promise<void> {
    const { history } = this.#options
    const sent = items.map(({ id, value }) => history.beginWrite(id, value, this.#process))
    const outcome = await connection.send('PATCH', path, JSON.stringify(body)).catch(() => undefined)
    if (outcome?.status === 200) history.endWrite(sent)
    else if (outcome !== undefined && refusals.includes(outcome.status)) history.refuseWrite(sent)
    else history.loseWrite(sent, outcome === undefined ? 'no answer' : failureOf(outcome))
  }
}

function failureOf({ status, body }: Answer): string {
  return `${status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? ''}`.trim()
}
