// Keys that the database numbers.

import type { Field, Model } from '../model/model.ts'

/** Whether the field is the whole key and numbered by the database: not the caller's to choose. */
export function isSerialKey({ name, kind, hasDefault }: Field, { primaryKey }: Model): boolean {
  return primaryKey.length === 1 && primaryKey[0] === name && hasDefault && (kind.name === 'integer' || kind.name === 'bigint')
}
