// Which tables a write may have changed. Where a trigger or rule of the user's own runs with it, nobody but PostgreSQL knows.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Reads } from '../db/database.ts'
import { userTrigger } from '../db/introspect/sql/scope.ts'
import { noRows, textColumns } from '../db/rows.ts'

/** Triggers come with migrations, usually before the processes that know of them. */
const askMs = 60_000
/** Sessions and the like. */
const ours = '"plinth".'

/** Of the tables that are asked about, those in which a write does what its statement and foreign keys say. */
const question = `SELECT name FROM json_array_elements_text($1::text::json) asked (name) JOIN pg_class c ON c.oid = to_regclass(name)
  WHERE c.relkind = 'r' AND NOT c.relhassubclass
  AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND ${userTrigger})
  AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D')`

export class WriteReach {
  readonly #db: Reads
  readonly #names: readonly string[]
  readonly #outside = AsyncLocalStorage.snapshot()
  /** Empty until it is known. */
  #plain: ReadonlySet<string> = new Set()
  #askedAt = -Infinity

  /** @param names  tables of the application's models, quoted and schema-qualified */
  constructor(db: Reads, names: readonly string[]) {
    this.#db = db
    this.#names = names
    this.#ask()
  }

  /** What a write may have changed that names these tables; undefined: any table. */
  of(tables: readonly string[] | undefined): readonly string[] | undefined {
    if (performance.now() - this.#askedAt > askMs) this.#ask()
    return tables?.every((name) => name.startsWith(ours) || this.#plain.has(name)) === true ? tables : undefined
  }

  #ask(): void {
    this.#askedAt = performance.now()
    void this.#outside(() => this.#learn())
  }

  /** A database that does not answer is asked again a while later. */
  async #learn(): Promise<void> {
    const rows = await this.#db.read({ text: question, values: [JSON.stringify(this.#names)] }).catch(() => noRows)
    this.#plain = new Set(Array.from({ length: rows.count }, (_, index) => textColumns(rows, index)[0] ?? ''))
  }
}
