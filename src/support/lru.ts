// A map that forgets what was not used for longest, so that callers cannot make it grow.

export class Lru<value> {
  readonly #entries = new Map<string, value>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): value | undefined {
    const found = this.#entries.get(key)
    if (found === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, found)
    return found
  }

  set(key: string, value: value): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#most) this.#entries.delete(this.#entries.keys().next().value as string)
    this.#entries.set(key, value)
  }

  get size(): number {
    return this.#entries.size
  }
}
