// Which statements one connection has prepared: at most so many, the least recently used goes first.

import { Line, LineMember } from '../../support/line.ts'

export class PreparedStatement extends LineMember {
  /** What it is called in this process. */
  readonly name: string
  /** Name on the wire: short, and never longer than the 63 bytes at which PostgreSQL cuts names. */
  readonly wireName: string
  /** The server has answered ParseComplete. Until then nobody else may rely on it. */
  confirmed = false

  constructor(name: string, wireName: string) {
    super()
    this.name = name
    this.wireName = wireName
  }
}

export class PreparedStatements {
  readonly #limit: number
  readonly #byName = new Map<string, PreparedStatement>()
  /** The same, the least recently used first. */
  readonly #line = new Line<PreparedStatement>()
  #made = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The statement, moved to the end of the line of those that go. */
  get(name: string): PreparedStatement | undefined {
    const found = this.#byName.get(name)
    if (found === undefined) return undefined
    this.#line.remove(found)
    this.#line.add(found)
    return found
  }

  add(name: string): PreparedStatement {
    this.#made += 1
    const added = new PreparedStatement(name, `s${this.#made}`)
    this.#byName.set(name, added)
    this.#line.add(added)
    return added
  }

  /** Forgets the least recently used when there are too many. The caller closes it on the server. */
  evict(): PreparedStatement | undefined {
    if (this.#byName.size <= this.#limit) return undefined
    const oldest = this.#line.first
    if (oldest !== undefined) this.forget(oldest.name, oldest)
    return oldest
  }

  /** Forgets a statement that the server could not parse, unless the name means another by now. */
  forget(name: string, statement: PreparedStatement): void {
    if (this.#byName.get(name) !== statement) return
    this.#byName.delete(name)
    this.#line.remove(statement)
  }
}
