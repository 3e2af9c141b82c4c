// Which statements one connection has prepared: at most so many, the least recently used goes first.

export interface PreparedStatement {
  /** Name on the wire: short, and never longer than the 63 bytes at which PostgreSQL cuts names. */
  readonly wireName: string
  /** The server has answered ParseComplete. Until then nobody else may rely on it. */
  confirmed: boolean
}

export class PreparedStatements {
  readonly #limit: number
  readonly #byName = new Map<string, PreparedStatement>()
  #made = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The statement, moved to the end of the line of those that go. */
  get(name: string): PreparedStatement | undefined {
    const found = this.#byName.get(name)
    if (found === undefined) return undefined
    this.#byName.delete(name)
    this.#byName.set(name, found)
    return found
  }

  add(name: string): PreparedStatement {
    this.#made += 1
    const added = { wireName: `s${this.#made}`, confirmed: false }
    this.#byName.set(name, added)
    return added
  }

  /** Forgets the least recently used when there are too many. The caller closes it on the server. */
  evict(): PreparedStatement | undefined {
    if (this.#byName.size <= this.#limit) return undefined
    const [oldest] = this.#byName
    if (oldest === undefined) return undefined
    this.#byName.delete(oldest[0])
    return oldest[1]
  }

  /** Forgets a statement that the server could not parse, unless the name means another by now. */
  forget(name: string, statement: PreparedStatement): void {
    if (this.#byName.get(name) === statement) this.#byName.delete(name)
  }
}
