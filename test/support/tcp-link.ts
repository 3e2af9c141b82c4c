// One way of a connection through `tcp-proxy.ts`: bytes in order, late when there is a delay, held back while it is frozen.

import type { Socket } from 'node:net'

/** Milliseconds that a chunk is late: `ms`, more or less by up to `jitterMs`. */
export interface Delay {
  readonly ms: number
  readonly jitterMs: number
}

export interface LinkOptions {
  /** Asked for each chunk. */
  delay(): Delay | undefined
  record(chunk: Buffer): void
  /** What becomes of a chunk before it is passed on. */
  change(chunk: Buffer): Buffer
}

export class TcpLink {
  readonly #from: Socket
  readonly #to: Socket
  readonly #options: LinkOptions
  /** What is on its way. Each has a timer, and each timer lets the first of them out, so that none overtakes another. */
  readonly #late: (() => void)[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastDue = 0
  #over = false

  constructor(from: Socket, to: Socket, options: LinkOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.setNoDelay(true)
    from.on('data', (chunk) => this.#pass(chunk))
    from.on('end', () => this.#send(() => to.end()))
    from.on('error', () => this.#end())
    // What was sent before a proper end arrives nevertheless, as it does in a network.
    from.on('close', () => this.#send(() => this.#end()))
    to.on('close', () => this.#end())
  }

  freeze(): void {
    this.#from.pause()
  }

  thaw(): void {
    this.#from.resume()
  }

  reset(): void {
    this.#to.resetAndDestroy()
    this.#end()
  }

  #end(): void {
    this.#over = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#to.destroy()
  }

  #pass(chunk: Buffer): void {
    this.#options.record(chunk)
    this.#send(() => this.#to.write(this.#options.change(chunk)))
  }

  #send(action: () => void): void {
    if (this.#over) return
    const delay = this.#options.delay()
    if (delay === undefined && this.#late.length === 0) return action()
    const { ms, jitterMs } = delay ?? { ms: 0, jitterMs: 0 }
    const now = performance.now()
    this.#lastDue = Math.max(this.#lastDue, now + ms + (Math.random() * 2 - 1) * jitterMs)
    this.#late.push(action)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#late.shift()?.()
    }, this.#lastDue - now)
    this.#timers.add(timer)
  }
}
