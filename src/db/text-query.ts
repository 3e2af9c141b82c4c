// One statement on a stock `pg` client whose rows come back as `TextRows`. Used by the pool; the reader has its own way.

import type { ClientBase, Connection, Submittable } from 'pg'
import type { Statement, TextRows } from './rows.ts'

/**
 * Runs a statement with the extended protocol and without Describe: nobody needs the column types.
 *
 * @param ahead  what goes ahead in the same packet and the same transaction: BEGIN, settings, the tenant. When one fails the server does
 *               not run the statement
 * @throws       whatever `pg` throws: the server's error, or a lost connection
 */
export function runText(client: ClientBase, statement: Statement, ahead: readonly Statement[] = []): Promise<TextRows> {
  return new Promise((resolve, reject) => {
    client.query(new TextQuery(statement, ahead, resolve, reject))
  })
}

/** What `pg` 8.23 keeps on its connection and its types leave out: the text of each statement prepared there, by name. */
export interface PreparingConnection extends Connection {
  readonly parsedStatements: Record<string, string | undefined>
}

type Row = readonly (string | null)[]

/** The methods are those that `pg`'s Client calls on its active query, in the order of the protocol's messages. */
class TextQuery implements Submittable {
  readonly text: string
  readonly #statement: Statement
  readonly #ahead: readonly Statement[]
  /** Those of `#ahead` without their CommandComplete: until it has come, what arrives is about them. */
  #left: number
  readonly #resolve: (rows: TextRows) => void
  readonly #reject: (error: Error) => void
  readonly #rows: Row[] = []
  #affected = 0

  constructor(statement: Statement, ahead: readonly Statement[], resolve: (rows: TextRows) => void, reject: (error: Error) => void) {
    this.text = statement.text
    this.#statement = statement
    this.#ahead = ahead
    this.#left = ahead.length
    this.#resolve = resolve
    this.#reject = reject
  }

  /** `pg` asks for it at each ParseComplete, to remember what is prepared. */
  get name(): string {
    return this.#left === 0 ? (this.#statement.name ?? '') : ''
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    for (const statement of this.#ahead) send(connection, statement)
    send(connection, this.#statement)
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription(): void {}

  handleDataRow(message: { readonly fields: Row }): void {
    if (this.#left === 0) this.#rows.push(message.fields)
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#affected = affectedRows(message.text)
    this.#left = Math.max(this.#left - 1, 0)
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

/** Parse unless it is prepared, Bind and Execute; no Sync. */
export function send(connection: Connection, { name = '', text, values }: Statement): void {
  const isPrepared = name !== '' && (connection as PreparingConnection).parsedStatements[name] !== undefined
  if (!isPrepared) connection.parse({ name, text, types: [] }, true)
  connection.bind({ statement: name, values: [...values] }, true)
  connection.execute(null, true)
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
