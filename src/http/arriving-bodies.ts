// Bodies on their way: what has come of each waits in our memory for the rest. Whoever sends slowly keeps nobody out, so it is not the
// number of such requests that is bounded but the bytes they have sent, and those that came first are let go on.

import type { IncomingMessage } from 'node:http'
import type { Exchange } from './in-flight.ts'

/** Between two looks: at a gigabit per second 6 MB come meanwhile. */
const lookMs = 50
/** Node reads so much at once, and what is read with the head is there before a request is known. */
const chunkBytes = 64 * 1024

export class ArrivingBodies {
  readonly #limitBytes: number
  readonly #refuse: (exchange: Exchange) => void
  /** Bytes that had come on the connection before the body, by exchange, the oldest first. */
  readonly #arriving = new Map<Exchange, number>()
  #timer: NodeJS.Timeout | undefined
  #full = false

  /** @param refuse  told of each whose body does not fit beside those that came before it */
  constructor(limitBytes: number, refuse: (exchange: Exchange) => void) {
    this.#limitBytes = limitBytes
    this.#refuse = refuse
  }

  /** Whether there was no room for another body when it was last looked. */
  get full(): boolean {
    return this.#full
  }

  add(exchange: Exchange): void {
    this.#arriving.set(exchange, exchange.request.raw.socket.bytesRead - chunkBytes)
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref()
  }

  delete(exchange: Exchange): void {
    this.#arriving.delete(exchange)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    let bytes = 0
    this.#full = false
    for (const [exchange, before] of this.#arriving) {
      const more = bytesOf(exchange.request.raw, before)
      // One alone is let in whatever the limit: the size of a single body has a limit of its own.
      if (bytes === 0 || bytes + more <= this.#limitBytes) bytes += more
      else this.#giveUp(exchange)
    }
    if (this.#arriving.size === 0) this.stop()
  }

  #giveUp(exchange: Exchange): void {
    this.#full = true
    this.delete(exchange)
    this.#refuse(exchange)
  }
}

/** What has come of a body. An injected request has no connection; its body is in memory anyway. */
function bytesOf({ headers, socket }: IncomingMessage, before: number): number {
  const declared = Number(headers['content-length'] ?? Infinity)
  const come = socket.bytesRead - Math.max(0, before)
  return Number.isNaN(come) ? 0 : Math.min(declared, come)
}
