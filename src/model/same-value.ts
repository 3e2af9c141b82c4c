// Whether two texts are one value of a column: `1.5` and `1.50` are, of a numeric one.

import type { Field } from './model.ts'

/** @param a @param b  as `parseField` or `parseFilterText` gave them for this field */
export function isSameValue(field: Field, a: string, b: string): boolean {
  return a === b || canonicalText(field, a) === canonicalText(field, b)
}

function canonicalText(field: Field, text: string): string {
  return field.dimensions === 0 ? (field.kind.canonical?.(text, field) ?? text) : text
}
