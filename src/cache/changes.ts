// Tells near copies of writes: those of this process at once, those of others by messages, over Redis and to the processes beside this
// one. Messages may be late or lost; they make copies go sooner, and that copies go at all is the business of their time.

import { randomBytes } from 'node:crypto'
import type { Bus } from '../core/processes/bus.ts'
import type { Redis } from '../redis/redis.ts'
import type { CacheFaults } from './faults.ts'
import type { WatchedTables } from './tables.ts'

const channel = 'cache:changes'

/** What processes tell each other. */
type Message =
  /** Written to; null: nobody knows which. */
  { readonly from: string; readonly tables: readonly string[] | null } | { readonly from: string; readonly clear: true }

export interface ChangesParts {
  readonly tables: WatchedTables
  readonly redis: Redis | undefined
  /** The other processes of this machine. */
  readonly bus: Bus
  /** False when nobody has near copies, so that nobody need be told. */
  readonly tellsOthers: boolean
  /** All copies have to go: somebody has cleared the cache. */
  onClear(): void
  readonly faults: CacheFaults
}

export class Changes {
  readonly #parts: ChangesParts
  readonly #self = randomBytes(8).toString('hex')
  readonly #subscriptions: readonly (() => void)[]
  /** Written to since the last message; undefined: nobody knows which. */
  #untold: Set<string> | undefined = new Set()
  #telling = false

  constructor(parts: ChangesParts) {
    this.#parts = parts
    const { redis, bus, tables } = parts
    const hear = (text: string): void => this.#hear(text)
    this.#subscriptions = [
      bus.subscribe(channel, hear),
      ...(redis === undefined ? [] : [redis.subscribe(channel, hear, () => tables.wrote(undefined))]),
    ]
  }

  /** To be called before the writer has its answer. */
  wrote(tables: readonly string[] | undefined): void {
    if (this.#parts.faults.deafToOwnWrites !== true) this.#parts.tables.wrote(tables)
    if (!this.#parts.tellsOthers) return
    if (tables === undefined) this.#untold = undefined
    else for (const table of tables) this.#untold?.add(table)
    if (this.#telling) return
    this.#telling = true
    // One message for the writes of one turn of the event loop.
    setImmediate(() => this.#tell())
  }

  async tellClear(): Promise<void> {
    await this.#publish({ from: this.#self, clear: true })
  }

  close(): void {
    for (const stop of this.#subscriptions) stop()
  }

  #tell(): void {
    const tables = this.#untold === undefined ? null : [...this.#untold]
    this.#untold = new Set()
    this.#telling = false
    void this.#publish({ from: this.#self, tables })
  }

  /** Redis may lose it, like any other message. */
  async #publish(message: Message): Promise<void> {
    const { redis, bus } = this.#parts
    const text = JSON.stringify(message)
    const sent = redis?.usable === true ? redis.publish(channel, text).catch(() => undefined) : undefined
    await Promise.all([bus.publish(channel, text), sent])
  }

  #hear(text: string): void {
    const message = parse(text)
    if (message?.from === this.#self || this.#parts.faults.deafToMessages === true) return
    if (message !== undefined && 'clear' in message) this.#parts.onClear()
    else this.#parts.tables.wrote(message?.tables ?? undefined)
  }
}

/** Undefined for what is no message of ours: then anything may have happened. */
function parse(text: string): Message | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<'from' | 'tables' | 'clear', unknown>> | null
    const { from, tables, clear } = value ?? {}
    if (typeof from !== 'string') return undefined
    if (clear === true) return { from, clear }
    return { from, tables: Array.isArray(tables) && tables.every((name) => typeof name === 'string') ? tables : null }
  } catch {
    return undefined
  }
}
