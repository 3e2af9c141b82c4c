// DISABLE: `disabling`, then a wait until no process serves from the cache any more, then `disabled`. If whoever began it dies, anybody
// who sees `disabling` waits as long and ends it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/log.ts'
import type { Session } from '../../db/session.ts'
import type { FencedFaults } from './faults.ts'
import { beginDisabling, endDisabling } from './state.ts'
import { holdMs, waitAfter } from './timing.ts'

export interface OffSwitchParts {
  readonly session: Session
  readonly log: Logger
  readonly faults: FencedFaults
  readonly signal: AbortSignal
  /** Called with why, when it was this process that switched it off. */
  onOff(reason: string): void
}

export class OffSwitch {
  /** What `permission_ms` was when it was last seen. */
  permissionMs = 500
  readonly #parts: OffSwitchParts
  readonly #ending = new Map<string, Promise<void>>()
  #heldAt = -Infinity

  constructor(parts: OffSwitchParts) {
    this.#parts = parts
  }

  /**
   * Ends this epoch, if it has not ended yet. Once for all callers.
   *
   * @param hold  true when the caller will go on writing and cannot fence
   */
  disable(epoch: string, reason: string, hold = false): Promise<void> {
    return this.#once(epoch, async () => {
      if (hold) this.#heldAt = performance.now()
      const ending = await beginDisabling(this.#parts.session, epoch, hold ? holdMs : 0)
      if (ending === undefined) return
      this.#parts.log.warn({ reason }, 'the fenced cache is switched off')
      this.#parts.onOff(reason)
      await this.#end(ending)
    })
  }

  /** For who sees that somebody has begun to. */
  finish(epoch: string): Promise<void> {
    return this.#once(epoch, () => this.#end(epoch))
  }

  /** The cache is off in this epoch, this process writes and could not fence: it shall stay off for a while. A statement in a second at most. */
  async hold(epoch: string): Promise<void> {
    if (performance.now() - this.#heldAt < holdMs / 3) return
    this.#heldAt = performance.now()
    await beginDisabling(this.#parts.session, epoch, holdMs)
  }

  #once(epoch: string, work: () => Promise<void>): Promise<void> {
    const known = this.#ending.get(epoch)
    if (known !== undefined) return known
    const ending = work().finally(() => this.#ending.delete(epoch))
    this.#ending.set(epoch, ending)
    return ending
  }

  async #end(epoch: string): Promise<void> {
    const { session, faults, signal } = this.#parts
    if (faults.wait !== true) await sleep(waitAfter(this.permissionMs), undefined, { signal, ref: false })
    await endDisabling(session, epoch)
  }
}
