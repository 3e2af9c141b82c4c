// Runs statements whose rows are wanted as texts.

import type { Database } from '../../db/database.ts'
import { type Statement, textColumns, type TextRows } from '../../db/rows.ts'

export type TextRow = (string | null)[]

export async function readTexts(db: Database, statement: Statement): Promise<TextRow[]> {
  return textsOf(await db.read(statement))
}

/** @param tables  what may be changed: `"public"."users"` */
export async function writeTexts(db: Database, statement: Statement, tables: readonly string[]): Promise<TextRow[]> {
  return textsOf(await db.write(statement, { tables }))
}

function textsOf(rows: TextRows): TextRow[] {
  return Array.from({ length: rows.count }, (_, index) => textColumns(rows, index))
}
