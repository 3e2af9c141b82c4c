// What other processes publish, on a connection of its own. Redis keeps no messages: whoever was away has missed them and is told so.

import { Deadlines } from './deadlines.ts'
import { Link } from './link.ts'
import type { RedisUnavailable } from './redis.ts'
import type { Target } from './wire.ts'

/** A silent connection is given up after three of these, in 1 to 2 seconds. Nobody waits for it. */
const answerMs = 250

interface Listener {
  readonly onMessage: (message: string) => void
  readonly onGap: () => void
}

export class Subscriber {
  readonly #channels = new Map<string, Set<Listener>>()
  readonly #deadlines = new Deadlines(answerMs)
  readonly #link: Link
  #started = false

  constructor(target: (signal: AbortSignal) => Promise<Target>) {
    this.#link = new Link({ deadlines: this.#deadlines, target, onChange: (problem) => this.#changed(problem) })
  }

  /** @param channel  with its prefix. The connection is made for the first one. */
  subscribe(channel: string, listener: Listener): () => void {
    const known = this.#channels.get(channel)
    const listeners = known ?? new Set<Listener>()
    this.#channels.set(channel, listeners.add(listener))
    if (!this.#started) this.#link.start()
    else if (known === undefined) this.#listen(channel)
    this.#started = true
    return () => this.#leave(channel, listener)
  }

  /** Another server is the one to listen to. */
  drop(problem: RedisUnavailable): void {
    this.#link.drop(problem)
  }

  stop(): void {
    this.#channels.clear()
    this.#link.stop()
    this.#deadlines.close()
  }

  #changed(problem: RedisUnavailable | undefined): void {
    for (const channel of this.#channels.keys()) {
      if (problem === undefined) this.#listen(channel)
      else this.#gap(channel)
    }
  }

  /** A connection that does not subscribe is no use; the next is tried later. */
  #listen(channel: string): void {
    const { connection } = this.#link
    connection
      ?.subscribe(channel, (message) => this.#channels.get(channel)?.forEach(({ onMessage }) => onMessage(message)))
      .then(
        () => this.#gap(channel),
        (failure: RedisUnavailable) => connection === this.#link.connection && this.#link.drop(failure),
      )
  }

  #gap(channel: string): void {
    this.#channels.get(channel)?.forEach(({ onGap }) => onGap())
  }

  #leave(channel: string, listener: Listener): void {
    const listeners = this.#channels.get(channel)
    listeners?.delete(listener)
    if (listeners?.size !== 0) return
    this.#channels.delete(channel)
    this.#link.connection?.unsubscribe(channel).catch(() => undefined)
  }
}
