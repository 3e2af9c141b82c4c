// Requests of this process with the same key, one after the other. PostgreSQL would keep them apart too, but each would hold a
// connection of the pool while it waits: ten repetitions of one slow request would stop everybody else.

import { setTimeout as sleep } from 'node:timers/promises'
import { idempotencyErrors } from './errors.ts'

export class Turns {
  readonly #running = new Map<string, Promise<void>>()
  readonly #waitMs: number

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /**
   * Waits until nobody else is in with this name.
   *
   * @returns what to call on the way out
   * @throws  AppError `IDEMPOTENCY_IN_PROGRESS` (409) after `waitMs`
   */
  async enter(name: string): Promise<() => void> {
    const deadline = performance.now() + this.#waitMs
    for (let other = this.#running.get(name); other !== undefined; other = this.#running.get(name)) {
      if (!(await endsBefore(other, deadline))) throw inProgress()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#running.set(name, promise)
    return () => {
      this.#running.delete(name)
      resolve()
    }
  }
}

async function endsBefore(work: Promise<void>, deadline: number): Promise<boolean> {
  const watch = new AbortController()
  const late = sleep(Math.max(0, deadline - performance.now()), false, { signal: watch.signal, ref: false })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    late.catch(() => {})
    watch.abort()
  }
}

/** Also thrown where PostgreSQL has let us wait too long. */
export function inProgress(cause?: unknown): ReturnType<typeof idempotencyErrors.IN_PROGRESS> {
  return idempotencyErrors.IN_PROGRESS().with({ headers: { 'retry-after': '1' }, cause })
}
