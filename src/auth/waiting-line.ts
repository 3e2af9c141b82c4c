// Lets in few at once and keeps the others in a line that is bounded in length and in time.

export interface WaitingLineOptions {
  readonly atOnce: number
  /** Most that wait; who comes then is turned away. */
  readonly most: number
  /** Most that wait of one group: of the narrowest that who asks is in, of the next wider one, and so on. */
  readonly mostOfGroup: readonly number[]
  readonly longestWaitMs: number
}

type Waiting = (entered: boolean) => void

export class WaitingLine {
  readonly #options: WaitingLineOptions
  readonly #waiting = new Set<Waiting>()
  readonly #ofGroup = new Map<string, number>()
  #inside = 0

  constructor(options: WaitingLineOptions) {
    this.#options = options
  }

  /**
   * @param groups  that who asks is in, from the narrow to the wide; without, nobody is counted
   * @returns       what to call at the end; undefined for who was turned away, or waited for too long
   */
  async enter(groups: readonly string[] = []): Promise<(() => void) | undefined> {
    if (this.#inside < this.#options.atOnce) this.#inside += 1
    else if (!(await this.#waitIn(groups))) return undefined
    let inside = true
    return () => {
      if (inside) this.#leave()
      inside = false
    }
  }

  async #waitIn(groups: readonly string[]): Promise<boolean> {
    const names = groups.map((group, width) => `${width} ${group}`)
    const { mostOfGroup } = this.#options
    if (names.some((name, width) => (this.#ofGroup.get(name) ?? 0) >= (mostOfGroup[width] ?? Infinity))) return false
    for (const name of names) this.#ofGroup.set(name, (this.#ofGroup.get(name) ?? 0) + 1)
    return this.#wait().finally(() => names.forEach((name) => this.#forget(name)))
  }

  #forget(name: string): void {
    const left = (this.#ofGroup.get(name) ?? 1) - 1
    if (left === 0) this.#ofGroup.delete(name)
    else this.#ofGroup.set(name, left)
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
