// Refuses writes whose foreign keys lead to records of another tenant, in the statement that writes.

import type { TextRows } from '../db/rows.ts'
import { lockManyStatement } from './write-bulk-statement.ts'
import { rowKey } from './write-row.ts'
import { runStatement } from './write-run.ts'
import { missingReference, strayIn } from './write-strays.ts'
import type { Limits } from './write-statement.ts'
import type { Writer } from './writer.ts'

/**
 * @param rows    written, each with what `checkSql` says of it
 * @param column  where that is, from the end of each row
 * @throws        AppError as for a foreign key to a row that is not there
 */
export async function refuseStrays(writer: Writer, rows: TextRows, { references = [] }: Limits, column = -1): Promise<void> {
  if (references.length === 0) return
  const strays = Array.from({ length: rows.count }, (_, at) => at).filter((at) => strayIn(rows, at, column, references) !== undefined)
  if (strays.length === 0) return
  // A statement does not see the rows that it makes itself, to which others of them may refer.
  const keys = strays.map((at) => rowKey(writer, rows, at))
  const again = await runStatement(writer, lockManyStatement(writer.table, keys, 'share', { references }))
  for (let at = 0; at < again.count; at++) {
    const stray = strayIn(again, at, -2, references)
    if (stray !== undefined) throw missingReference(writer, stray)
  }
}
