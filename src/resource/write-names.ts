// Which statements of a resource are prepared. The sets of columns that callers can send are many, and PostgreSQL keeps
// every prepared statement of a connection until it closes, so only the first texts get a name.

import type { Statement } from '../db/rows.ts'
import { nameStatement } from './statement-name.ts'

/** Named texts of one resource. A statement with ten parameters takes PostgreSQL about 50 kB. */
const mostNames = 64
/** A bulk INSERT of VALUES has thousands of parameters, takes 3 MB, and is another text for every number of records. */
const mostValues = 200

export class StatementNames {
  readonly #texts = new Set<string>()

  /** The statement with its name, when it has one: the same text keeps it for ever. */
  named(statement: Statement): Statement {
    return statement.values.length <= mostValues && this.#has(statement.text)
      ? { ...statement, name: nameStatement(statement.text) }
      : statement
  }

  #has(text: string): boolean {
    if (this.#texts.has(text)) return true
    if (this.#texts.size >= mostNames) return false
    this.#texts.add(text)
    return true
  }
}
