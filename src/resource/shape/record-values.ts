// Rows as JavaScript objects, for hooks. Replies do not come this way unless a `serialize` hook asks for it.

import { textColumns, type TextRows } from '../../db/rows.ts'
import { decodeText } from '../../model/decode.ts'
import type { Field } from '../../model/model.ts'

/** Row `index` as an object; the select list starts with `fields`. */
export function recordValues(fields: readonly Field[], rows: TextRows, index: number): Record<string, unknown> {
  const texts = textColumns(rows, index)
  return Object.fromEntries(fields.map((field, i) => [field.name, decodeText(field, texts[i] ?? null)]))
}
