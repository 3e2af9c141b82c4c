// The clients: each has one mode and one connection to one process, and sends one request after the other.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, randomFrom } from '../guarantees/support/random.ts'
import { type Answer, HttpConnection } from './http-connection.ts'
import { type History, now } from './history.ts'
import { type Mode, pickRead, valuesIn } from './modes.ts'

/** About 15 % of the requests are writes, some of which are rolled back. */
const readsPerWrite = 7
const writesPerRollback = 20
/** Longer than the application's own deadlines, so that it is the application that gives up. */
const answerDeadlineMs = 15_000
const reconnectMs = 20

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
    const key = this.#random.pick(this.#options.history.keys)
    if (!this.#random.once(readsPerWrite)) return this.#read(connection, key)
    const { rolledBackPath, writePath } = this.#options.mode
    if (rolledBackPath !== undefined && this.#random.once(writesPerRollback)) return this.#write(connection, key, rolledBackPath(key))
    return this.#write(connection, key, writePath(key))
  }

  async #read(connection: HttpConnection, key: number): Promise<void> {
    const { history, mode } = this.#options
    const form = pickRead(mode, this.#random)
    const begin = now()
    try {
      const answer = await connection.send('GET', form.path(key))
      const facts = { by: this.#process, cache: answer.cache }
      if (answer.status === 200) history.endRead(begin, form.keys(key, history.keys), valuesIn(answer.body), facts)
      else history.loseRead(failureOf(answer))
    } catch {
      history.loseRead('no answer')
    }
  }

  async #write(connection: HttpConnection, key: number, path: string): Promise<void> {
    const { history, values } = this.#options
    const sent = history.beginWrite(key, values.next(), this.#process)
    try {
      const answer = await connection.send('PATCH', path, JSON.stringify({ value: sent.value }))
      if (answer.status === 200) history.endWrite(sent)
      else if (answer.status === 409 || answer.status === 404) history.refuseWrite(sent) // 404: it waited for a record that was being replaced
      else history.loseWrite(sent, failureOf(answer))
    } catch {
      history.loseWrite(sent, 'no answer')
    }
  }
}

function failureOf({ status, body }: Answer): string {
  return `${status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? ''}`.trim()
}
