// The tables of cached reads, and how many writes of each this process has heard of. Near copies are dropped by counting on:
// a copy that was made under another count is not used, so nothing has to be searched for and nothing can grow.

/** A table and the writes to it that are known here. */
export interface WatchedTable {
  /** Quoted and schema-qualified: `"public"."items"`. */
  readonly name: string
  writes: number
}

export class WatchedTables {
  readonly #tables = new Map<string, WatchedTable>()

  /** Called at start and for every plan; the names are those of the application's models. */
  setOf(names: Iterable<string>): TableSet {
    return new TableSet([...new Set(names)].toSorted().map((name) => this.#tableOf(name)))
  }

  /** @param names  undefined: nobody knows which */
  wrote(names: readonly string[] | undefined): void {
    if (names === undefined) for (const table of this.#tables.values()) table.writes += 1
    else for (const name of names) this.#count(this.#tables.get(name))
  }

  #count(table: WatchedTable | undefined): void {
    if (table !== undefined) table.writes += 1
  }

  #tableOf(name: string): WatchedTable {
    const table = this.#tables.get(name) ?? { name, writes: 0 }
    this.#tables.set(name, table)
    return table
  }
}

export class TableSet {
  /** In order, so that the same tables give the same text. */
  readonly names: readonly string[]
  readonly id: string
  readonly #tables: readonly WatchedTable[]

  constructor(tables: readonly WatchedTable[]) {
    this.#tables = tables
    this.names = tables.map(({ name }) => name)
    this.id = this.names.join()
  }

  /** Grows with every known write to one of the tables. */
  stamp(): number {
    let sum = 0
    for (const table of this.#tables) sum += table.writes
    return sum
  }
}
