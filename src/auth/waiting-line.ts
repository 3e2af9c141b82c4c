// Lets in few at once and keeps the others in a line that is bounded in length and in time.

export interface WaitingLineOptions {
  readonly atOnce: number
  /** Most that wait; who comes then is turned away. */
  readonly most: number
  /** Most that wait for one who asks. */
  readonly mostOfOne: number
  readonly longestWaitMs: number
}

type Waiting = (entered: boolean) => void

export class WaitingLine {
  readonly #options: WaitingLineOptions
  readonly #waiting = new Set<Waiting>()
  readonly #ofOne = new Map<string, number>()
  #inside = 0

  constructor(options: WaitingLineOptions) {
    this.#options = options
  }

  /** @param who  asks; without, nobody is counted @returns what to call at the end; undefined for who was turned away, or waited for too long */
  async enter(who?: string): Promise<(() => void) | undefined> {
    if (this.#inside < this.#options.atOnce) this.#inside += 1
    else if (!(await this.#waitAs(who))) return undefined
    let inside = true
    return () => {
      if (inside) this.#leave()
      inside = false
    }
  }

  async #waitAs(who: string | undefined): Promise<boolean> {
    if (who === undefined) return this.#wait()
    const before = this.#ofOne.get(who) ?? 0
    if (before >= this.#options.mostOfOne) return false
    this.#ofOne.set(who, before + 1)
    return this.#wait().finally(() => this.#forget(who))
  }

  #forget(who: string): void {
    const left = (this.#ofOne.get(who) ?? 1) - 1
    if (left === 0) this.#ofOne.delete(who)
    else this.#ofOne.set(who, left)
  }

  #wait(): Promise<boolean> {
    const { most, longestWaitMs } = this.#options
    if (this.#waiting.size >= most) return Promise.resolve(false)
    return new Promise((resolve) => {
      const told: Waiting = (entered) => {
        clearTimeout(late)
        this.#waiting.delete(told)
        resolve(entered)
      }
      const late = setTimeout(told, longestWaitMs, false)
      this.#waiting.add(told)
    })
  }

  /** The place goes to whoever has waited for longest. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#inside -= 1
    else next(true)
  }
}
