// The one shape in which rows travel from PostgreSQL to the serializer: the bytes of the wire, undecoded.

/**
 * Rows of one statement in PostgreSQL's text format, as they stood in the DataRow messages.
 *
 * Row `i` starts at `buffers[i][starts[i]]` with an int16 column count; then for each column an int32 length
 * (-1 for NULL) and that many bytes. Several rows usually share one buffer (a socket chunk), so nothing is copied.
 *
 * @see PostgreSQL manual, "Message Formats", DataRow
 */
export interface TextRows {
  readonly count: number
  readonly buffers: readonly Buffer[]
  readonly starts: readonly number[]
  /** Rows touched, from the CommandComplete tag (`UPDATE 3` → 3; for SELECT the number of rows). */
  readonly affected: number
  /** The statement was sent again, through no fault of its own: it may have run after those that were sent behind it. */
  readonly retried?: true
}

/** A statement ready to run. Every value is text (or NULL): the SQL casts it, so no driver guesses a type. */
export interface Statement {
  readonly text: string
  readonly values: readonly (string | null)[]
  /** Set when the text comes from a bounded set and is worth preparing; the same text always has the same name. */
  readonly name?: string
}

export const noRows: TextRows = { count: 0, buffers: [], starts: [], affected: 0 }

/** The columns of row `index` as strings, NULL as null. For code that wants values rather than bytes. */
export function textColumns(rows: TextRows, index: number): (string | null)[] {
  const buffer = rows.buffers[index]
  const start = rows.starts[index]
  if (buffer === undefined || start === undefined) throw new RangeError(`There is no row ${index} in a result of ${rows.count}.`)
  let at = start + 2
  return Array.from({ length: buffer.readInt16BE(start) }, () => {
    const length = buffer.readInt32BE(at)
    at += 4
    if (length === -1) return null
    at += length
    return buffer.toString('utf8', at - length, at)
  })
}
