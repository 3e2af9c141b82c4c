// Values for rows that are made up. Those that can be told from all others are canaries: whoever sees one has seen that row.

import { randomUUID } from 'node:crypto'
import type { Field } from '../../model/model.ts'

/** Characters that make a text one that nothing else has by chance. */
export const shortest = 8
let made = 0

/** Whether a field has room for values that can be told from all others. */
export function isDistinctive({ kind, castType, dimensions, length = shortest, enumValues }: Field): boolean {
  if (dimensions > 0 || enumValues !== undefined) return false
  if (kind.name === 'text') return length >= shortest
  return kind.name === 'uuid' || castType === 'int4' || castType === 'int8'
}

/** A value of a distinctive field that was never there, as PostgreSQL text; always of the same length. */
export function newCanary({ kind, name }: Field): string {
  made += 1
  if (kind.name === 'uuid') return randomUUID()
  if (kind.name !== 'text') return String(1_300_000_000 + made)
  const text = `q${made.toString(36).padStart(6, '0')}z`
  return name === 'email' ? `${text}@example.com` : text
}

/** A value of any other field, as PostgreSQL text; undefined where the column is better left to its default or to NULL. */
export function plainText(field: Field, number: number): string | undefined {
  const { kind, enumValues, dimensions, nullable, hasDefault } = field
  if (kind.name === 'boolean' && dimensions === 0) return String(number % 2 === 0)
  if (enumValues !== undefined && dimensions === 0) return enumValues[number % enumValues.length]
  if (nullable || hasDefault) return undefined
  if (dimensions > 0) return '{}'
  const parsed = kind.parse(kind.example(field), field)
  return 'value' in parsed ? parsed.value : undefined
}
