// What this process has written, and how far a replica must be to show it. The primary is asked after a write and not with it:
// one question speaks for all writes that were acknowledged before it was sent.

import type { DatabaseConfig } from '../../core/config.ts'
import type { Reads } from '../database.ts'
import { type Demand, type Position, primaryQuestion, readPosition } from './position.ts'

/** How long a statement may go on by itself after its connection was lost. */
export function doubtMs({ statementTimeoutMs, connectTimeoutMs }: DatabaseConfig): number {
  return statementTimeoutMs + connectTimeoutMs
}

export class Writes {
  readonly #primary: Reads
  readonly #doubtMs: number
  /** Acknowledged so far, and how many of them `#position` covers. */
  #count = 0
  #covered = 0
  #position: Position | undefined
  #asking: Promise<void> | undefined
  #doubtUntil: number | undefined

  /**
   * @param primary    where the question is sent
   * @param forMs      how long a doubt lasts
   */
  constructor(primary: Reads, forMs: number) {
    this.#primary = primary
    this.#doubtMs = forMs
  }

  /** A write was acknowledged. @returns its number, for `reached` */
  add(): number {
    this.#count += 1
    void this.#ask()
    return this.#count
  }

  /** A write may have happened, or may yet: its answer was lost. Until it can no longer, everything is read from the primary. */
  doubt(): void {
    this.#doubtUntil = performance.now() + this.#doubtMs
  }

  /** What a read of this process has to see. */
  demand(): Demand {
    if (this.#doubtUntil !== undefined) {
      if (performance.now() < this.#doubtUntil) return 'primary'
      this.#doubtUntil = undefined
      this.add()
    }
    if (this.#covered === this.#count) return this.#position
    void this.#ask()
    return 'primary'
  }

  /** The position behind which the write with this number stands; `primary` when it cannot be had. */
  async reached(write: number): Promise<Position | 'primary'> {
    // The question that is under way may have been sent before the write, the next one was not.
    if (this.#covered < write) await this.#ask()
    if (this.#covered < write) await this.#ask()
    return this.#covered < write || this.#position === undefined ? 'primary' : this.#position
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#look().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #look(): Promise<void> {
    const count = this.#count
    const position = await this.#primary.read(primaryQuestion).then(readPosition, () => undefined)
    // A server of an older timeline is a primary that has been replaced and does not know it.
    if (position === undefined || position.timeline < (this.#position?.timeline ?? 0)) return
    this.#position = position
    this.#covered = count
  }
}
