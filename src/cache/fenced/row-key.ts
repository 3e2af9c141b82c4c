// A row must have one name in Redis, or a write under the one would leave what was read under the other. So only values that are
// written as PostgreSQL writes them are looked up there.

import type { KeyColumn } from './state.ts'

const whole = /^(?:0|-?[1-9]\d*)$/
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

/** False for `007`, an upper-case UUID, and a text that is longer than its column: `varchar(n)` finds it under its first characters. */
export function hasOneName(value: string, { type, length }: KeyColumn): boolean {
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
      return whole.test(value)
    case 'uuid':
      return uuid.test(value)
    default:
      return length === null || value.length <= length || Array.from(value).length <= length
  }
}
