// One statement on a stock `pg` client whose rows come back as `TextRows`. Used by the pool; the reader has its own way.

import type { ClientBase, Connection, Submittable } from 'pg'
import type { Statement, TextRows } from './rows.ts'

/**
 * Runs a statement with the extended protocol and without Describe: nobody needs the column types.
 *
 * @throws whatever `pg` throws: the server's error, or a lost connection
 */
export function runText(client: ClientBase, statement: Statement): Promise<TextRows> {
  return new Promise((resolve, reject) => {
    client.query(new TextQuery(statement, resolve, reject))
  })
}

/** What `pg` 8.23 keeps on its connection and its types leave out: the text of each statement prepared there, by name. */
interface PreparingConnection extends Connection {
  readonly parsedStatements: Record<string, string | undefined>
}

type Row = readonly (string | null)[]

/** The methods are those that `pg`'s Client calls on its active query, in the order of the protocol's messages. */
class TextQuery implements Submittable {
  readonly name: string
  readonly text: string
  readonly #statement: Statement
  readonly #resolve: (rows: TextRows) => void
  readonly #reject: (error: Error) => void
  readonly #rows: Row[] = []
  #affected = 0

  constructor(statement: Statement, resolve: (rows: TextRows) => void, reject: (error: Error) => void) {
    this.name = statement.name ?? ''
    this.text = statement.text
    this.#statement = statement
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    if (this.name === '' || (connection as PreparingConnection).parsedStatements[this.name] === undefined) {
      connection.parse({ name: this.name, text: this.text, types: [] }, true)
    }
    connection.bind({ statement: this.name, values: [...this.#statement.values] }, true)
    connection.execute(null, true)
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription(): void {}

  handleDataRow(message: { readonly fields: Row }): void {
    this.#rows.push(message.fields)
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#affected = affectedRows(message.text)
  }

  handleEmptyQuery(): void {}

  handleError(error: Error): void {
    this.#reject(error)
  }

  handleReadyForQuery(): void {
    this.#resolve(toTextRows(this.#rows, this.#affected))
  }

  /** COPY is not a statement for this door: end it, so that the connection is not left waiting. */
  handleCopyInResponse(connection: Connection & { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail('COPY is not supported here')
  }

  handleCopyData(): void {}
}

/** The number at the end of a command tag: `INSERT 0 3` → 3, `CREATE TABLE` → 0. */
function affectedRows(tag: string): number {
  return Number(/\d+$/.exec(tag)?.[0] ?? 0)
}

/** Rows that `pg` has decoded, back in the layout of the wire, all in one buffer. */
export function toTextRows(rows: readonly Row[], affected: number): TextRows {
  const buffer = Buffer.allocUnsafe(rows.reduce((size, row) => size + rowBytes(row), 0))
  const starts: number[] = []
  let at = 0
  for (const row of rows) {
    starts.push(at)
    at = writeRow(buffer, at, row)
  }
  return { count: rows.length, buffers: rows.map(() => buffer), starts, affected }
}

function rowBytes(row: Row): number {
  return row.reduce((size, value) => size + 4 + (value === null ? 0 : Buffer.byteLength(value)), 2)
}

function writeRow(buffer: Buffer, start: number, row: Row): number {
  let at = buffer.writeInt16BE(row.length, start)
  for (const value of row) {
    const length = value === null ? -1 : buffer.write(value, at + 4)
    buffer.writeInt32BE(length, at)
    at += 4 + Math.max(length, 0)
  }
  return at
}
