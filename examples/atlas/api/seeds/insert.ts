import type { Database } from 'plinth/db'

/** Column name → type and how a row's value is found. */
export type Columns<row> = Readonly<Record<string, readonly [type: string, value: (row: row) => unknown]>>

/**
 * Inserts rows with one statement: a column is one JSON array, whatever the number of rows.
 *
 * @returns the rows as stored, in the order given
 */
export async function insertRows<row>(
  db: Database,
  table: string,
  columns: Columns<row>,
  rows: readonly row[],
): Promise<Record<string, unknown>[]> {
  const names = Object.keys(columns)
  const values = rows.map((row) => Object.fromEntries(names.map((name) => [name, columns[name]?.[1](row) ?? null])))
  const definition = names.map((name) => `${name} ${columns[name]?.[0]}`).join(', ')
  return db.query(
    `insert into ${table} (${names.join(', ')}) select ${names.join(', ')} from jsonb_to_recordset($1::jsonb) as data(${definition}) returning *`,
    [JSON.stringify(values)],
  )
}
