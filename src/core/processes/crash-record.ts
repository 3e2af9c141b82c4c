// How soon a worker that ended by itself is replaced, and when replacing it has become pointless.

/** One that has served for so long was sound when it started. */
export const calmMs = 10_000
const firstPauseMs = 100
const longestPauseMs = 5_000
const loopLength = 5

/** Remembers the ends of workers, one after another. Time comes from outside. */
export class CrashRecord {
  #quick = 0

  /**
   * @param servedMs  how long the worker had served; 0 when it never came to it
   * @returns         milliseconds to wait before the next one is started: none after a calm life, then 100 ms, doubled each time
   */
  note(servedMs: number): number {
    if (servedMs >= calmMs) this.#quick = 0
    else this.#quick += 1
    return this.#quick === 0 ? 0 : Math.min(firstPauseMs * 2 ** (this.#quick - 1), longestPauseMs)
  }

  /** Ends in a row that came soon after their starts. */
  get quick(): number {
    return this.#quick
  }

  get isLoop(): boolean {
    return this.#quick >= loopLength
  }
}
