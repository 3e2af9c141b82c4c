// PostgreSQL text → the value that hooks see: what the reply would show, as JavaScript.

import { type NestedTexts, parseArray } from './array.ts'
import type { Field } from './model.ts'

/** @param text  as PostgreSQL sent it; null for NULL */
export function decodeText(field: Field, text: string | null): unknown {
  if (text === null) return null
  return field.dimensions === 0 ? field.kind.decode(text) : decodeList(field, parseArray(text))
}

function decodeList(field: Field, list: NestedTexts): unknown[] {
  return list.map((item) => {
    if (item === null) return null
    return typeof item === 'string' ? field.kind.decode(item) : decodeList(field, item)
  })
}
