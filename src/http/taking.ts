// How fast a client takes its answer. One that takes next to nothing holds the answer in our memory for as long as it likes.

import type { Socket } from 'node:net'

/** Bytes that must be taken in each span of time; a modem of 56 kbit/s takes as much in ten seconds. */
const leastBytes = 64 * 1024

/** What Node keeps on the handle of a socket and looks at itself for its own time-out; not in its types. */
interface WritingHandle {
  readonly bytesWritten: number
  /** Bytes that the system has not taken from us. */
  readonly writeQueueSize: number
}

/** Watches one answer. */
export class Taking {
  #since: number
  #taken = 0

  /** @param now  milliseconds of `performance.now()` */
  constructor(now: number) {
    this.#since = now
  }

  /** Whether the client has been waited for in vain for `limitMs`. What the application has yet to write is not the client's fault. */
  isTooSlow(socket: Socket | null, limitMs: number, now: number): boolean {
    const handle = (socket as { readonly [name in '_handle']?: WritingHandle | null } | null)?.['_handle']
    if (handle === undefined || handle === null) return false
    const taken = handle.bytesWritten - handle.writeQueueSize
    if (handle.writeQueueSize === 0 || taken - this.#taken >= leastBytes) {
      this.#taken = taken
      this.#since = now
    }
    return now - this.#since > limitMs
  }
}
