// The reads of one fill. The last statements that are sent carry the question for the version with them, behind them on the same
// connection, so that a fill costs no round trip more than the read itself.

import type { ReadOptions, Reads } from '../db/database.ts'
import type { Statement, TextRows } from '../db/rows.ts'

export class ConfirmingReads implements Reads {
  readonly #db: Reads
  readonly #question: Statement
  readonly #turns: number
  #turn = 0
  /** The turn whose statements had the answer behind them; it speaks for all before, too. */
  #answeredTurn = 0
  #answer: TextRows | undefined

  /** @param turns  how many times statements will be sent; 0 when nobody knows */
  constructor(db: Reads, question: Statement, turns: number) {
    this.#db = db
    this.#question = question
    this.#turns = turns
  }

  async read(statement: Statement, options?: ReadOptions): Promise<TextRows> {
    const [rows] = await this.readAll([statement], options)
    if (rows === undefined) throw new Error('A statement has no result.')
    return rows
  }

  async readAll(statements: readonly Statement[], options?: ReadOptions): Promise<TextRows[]> {
    const turn = ++this.#turn
    if (turn !== this.#turns || options?.slow === true) return this.#db.readAll(statements, options)
    const results = await this.#db.readAll([...statements, this.#question], options)
    // A statement that was sent again, by itself, may have run after the answer.
    const inOrder = results.every(({ retried }) => retried !== true)
    const answer = results.pop()
    if (inOrder) [this.#answer, this.#answeredTurn] = [answer, turn]
    return results
  }

  /** The version after everything that was read: the answer that came with it, or that of one more statement. */
  answer(): Promise<TextRows> {
    const answer = this.#answeredTurn === this.#turn ? this.#answer : undefined
    return answer === undefined ? this.#db.read(this.#question) : Promise.resolve(answer)
  }
}
