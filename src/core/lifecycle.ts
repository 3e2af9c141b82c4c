// Starts the parts of an application in order and stops them in reverse. One list; what is above starts first and stops last.

import { setTimeout as sleep } from 'node:timers/promises'
import { coreErrors } from './errors.ts'
import type { Logger } from './log.ts'

/** Something with a life: a pool, a server, a worker. */
export interface Part {
  /** For the log, as the subject of a sentence: `The database`. */
  readonly name: string
  start?(): void | Promise<void>
  stop?(): void | Promise<void>
  /** Longest start, 30 s when not said. */
  readonly startMs?: number
  /** Longest stop, 10 s when not said; then the next part is stopped all the same. */
  readonly stopMs?: number
}

const defaultStartMs = 30_000
const defaultStopMs = 10_000

export class Lifecycle {
  readonly #log: Logger
  readonly #parts: readonly Part[]
  readonly #started: Part[] = []
  #stopping: Promise<void> | undefined

  constructor(log: Logger, parts: readonly Part[]) {
    this.#log = log
    this.#parts = parts
  }

  /**
   * Starts each part after the one before has started.
   *
   * @throws AppError `CORE_START_FAILED` with the cause, after what had started was stopped again
   */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      this.#started.push(part)
      try {
        await inTime(part.name, part.startMs ?? defaultStartMs, () => part.start?.())
      } catch (cause) {
        await this.stop()
        throw coreErrors.START_FAILED(part.name).with({ cause })
      }
    }
  }

  /** Stops what was started, last first, also what failed half-way. A failure is logged and the rest goes on. Twice is once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  async #stopAll(): Promise<void> {
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop()) {
      const { name, stopMs = defaultStopMs } = part
      try {
        await inTime(name, stopMs, () => part?.stop?.())
      } catch (err) {
        this.#log.error({ err }, `${name} did not stop cleanly`)
      }
    }
  }
}

/** Runs `work`; rejects with `CORE_TOO_SLOW` when it takes longer than `limitMs`. */
export async function inTime<result>(name: string, limitMs: number, work: () => result | Promise<result>): Promise<result> {
  const watch = new AbortController()
  const late = sleep(limitMs, undefined, { signal: watch.signal }).then(() => {
    throw coreErrors.TOO_SLOW(name, limitMs / 1_000)
  })
  try {
    return await Promise.race([Promise.resolve().then(work), late])
  } finally {
    watch.abort()
    late.catch(() => {})
  }
}
