// Fetches the included records of a level, all relations of the level pipelined in one go, then the levels below.

import type { Reads } from '../db/database.ts'
import { noRows, type Statement, type TextRows } from '../db/rows.ts'
import type { CompiledInclude, CompiledShape, Level } from './compiled-shape.ts'
import { resourceErrors } from './errors.ts'
import { mostIncluded } from './include-statement.ts'
import { keyArrays } from './shape/row-index.ts'
import { fill, type Held } from './sql-builder.ts'

export async function fetchLevels(db: Reads, shape: CompiledShape, rows: TextRows, held: Held): Promise<Level> {
  if (shape.includes.length === 0) return { rows, children: [] }
  const fetched = await fetchChildren(db, shape.includes, rows, held)
  const children = await Promise.all(shape.includes.map((include, i) => fetchLevels(db, include.shape, fetched[i] ?? noRows, held)))
  return { rows, children }
}

/** Relations that no row has a key for cost no statement. */
async function fetchChildren(db: Reads, includes: readonly CompiledInclude[], rows: TextRows, held: Held): Promise<TextRows[]> {
  const statements = includes.map((include) => childStatement(include, rows, held))
  const wanted = statements.filter((statement) => statement !== undefined)
  const results = wanted.length === 0 ? [] : await db.readAll(wanted)
  let next = 0
  const fetched = statements.map((statement) => (statement === undefined ? noRows : (results[next++] ?? noRows)))
  includes.forEach((include, i) => refuseTooMany(include, fetched[i] ?? noRows))
  return fetched
}

function childStatement(include: CompiledInclude, rows: TextRows, held: Held): Statement | undefined {
  const values = keyArrays(rows, include.parentColumns, include.integerKey)
  const { text, name, parameters } = include.statement.template
  return values === undefined ? undefined : { text, name, values: [...values, ...fill(parameters, held)] }
}

function refuseTooMany(include: CompiledInclude, rows: TextRows): void {
  if (include.many && rows.count > mostIncluded)
    throw resourceErrors.INCLUDE_TOO_LARGE(include.path, mostIncluded).with({ field: 'include' })
}
