// Sends mails behind the backs of requests: nobody waits for a mail server, nobody can tell from an answer whether one was written to, and
// a server that is away for minutes is tried again. What has not gone when the process ends is lost, and the log says so.

import type { Logger } from '../core/log.ts'
import type { MailMessage } from './message.ts'

/** Hands one mail over. A rejection means that it was not taken. */
export type Transport = (message: MailMessage) => Promise<void>

export interface OutboxOptions {
  readonly transport: Transport
  readonly log: Logger
  /** Before the second, third, … try; as many as there are. */
  readonly pausesMs?: readonly number[]
  /** Mails that wait; more are dropped, and the log says so. */
  readonly most?: number
}

const defaultPausesMs = [1_000, 5_000, 30_000, 120_000, 600_000]
const atOnce = 4
/** How long the end of the process waits for mails on their way. */
const closeMs = 5_000

interface Waiting {
  readonly message: MailMessage
  readonly tries: number
}

export class Outbox {
  readonly #options: Required<OutboxOptions>
  readonly #ready: Waiting[] = []
  readonly #pauses = new Set<NodeJS.Timeout>()
  #sending = 0
  #givenUp = 0
  #closed = false
  #idle: (() => void) | undefined

  constructor({ pausesMs = defaultPausesMs, most = 1_000, ...options }: OutboxOptions) {
    this.#options = { ...options, pausesMs, most }
  }

  /** Returns at once and never throws. */
  send(message: MailMessage): void {
    if (this.#closed || this.size >= this.#options.most) return this.#drop('a mail was dropped: too many wait')
    this.#ready.push({ message, tries: 0 })
    this.#next()
  }

  /** Mails that have not been handed over. */
  get size(): number {
    return this.#ready.length + this.#pauses.size + this.#sending
  }

  /** Mails that nobody took and nobody will; after `close` also those that nobody has taken until then. */
  get lost(): number {
    return this.#givenUp + (this.#closed ? this.size : 0)
  }

  /** Waits for mails that are on their way, some seconds at most. The others are lost, and the log says so. */
  async close(): Promise<void> {
    this.#closed = true
    const paused = this.#pauses.size
    for (const pause of this.#pauses) clearTimeout(pause)
    this.#pauses.clear()
    this.#givenUp += paused
    if (this.size > 0) await this.#drained()
    const lost = paused + this.size
    if (lost > 0) this.#options.log.error({ lost }, 'mails were lost: the server had not taken them when the process ended')
  }

  #next(): void {
    while (this.#sending < atOnce) {
      const waiting = this.#ready.shift()
      if (waiting === undefined) break
      this.#sending += 1
      void this.#try(waiting)
    }
    if (this.size === 0) this.#idle?.()
  }

  async #try({ message, tries }: Waiting): Promise<void> {
    try {
      await this.#options.transport(message)
    } catch (err) {
      this.#again({ message, tries: tries + 1 }, err)
    }
    this.#sending -= 1
    this.#next()
  }

  #again(waiting: Waiting, err: unknown): void {
    const { pausesMs, log } = this.#options
    const pauseMs = pausesMs[waiting.tries - 1]
    if (pauseMs === undefined || this.#closed) {
      this.#givenUp += 1
      return log.error({ err, tries: waiting.tries }, 'a mail could not be sent')
    }
    log.warn({ err, tries: waiting.tries, pauseMs }, 'a mail could not be sent yet')
    const pause = setTimeout(() => {
      this.#pauses.delete(pause)
      this.#ready.push(waiting)
      this.#next()
    }, pauseMs)
    this.#pauses.add(pause.unref())
  }

  #drop(message: string): void {
    this.#givenUp += 1
    this.#options.log.error(message)
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, closeMs)
      this.#idle = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }
}
