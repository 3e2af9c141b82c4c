// ErrorResponse → the error `pg` makes of it, with the same class and property names, so that one error map serves both.

import { DatabaseError } from 'pg'

/** @see PostgreSQL manual, "Error and Notice Message Fields" */
const fieldNames: Readonly<Record<string, keyof DatabaseError>> = {
  S: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internalPosition',
  q: 'internalQuery',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
}

export interface ServerError {
  readonly error: DatabaseError
  /** The server ends the connection. Taken from the field that is not translated. */
  readonly fatal: boolean
}

export function parseServerError(buffer: Buffer, start: number, end: number): ServerError {
  const fields = readFields(buffer, start, end)
  const error = new DatabaseError(fields.get('M') ?? 'unknown error', end - start + 4, 'error')
  for (const [letter, name] of Object.entries(fieldNames)) {
    Object.assign(error, { [name]: fields.get(letter) })
  }
  const severity = fields.get('V')
  return { error, fatal: severity === 'FATAL' || severity === 'PANIC' }
}

/** A letter and a zero-terminated text each; a zero ends the list. */
function readFields(buffer: Buffer, start: number, end: number): Map<string, string> {
  const fields = new Map<string, string>()
  let at = start
  while (at < end && buffer[at] !== 0) {
    const zero = buffer.indexOf(0, at + 1)
    const stop = zero === -1 || zero > end ? end : zero
    fields.set(buffer.toString('latin1', at, at + 1), buffer.toString('utf8', at + 1, stop))
    at = stop + 1
  }
  return fields
}
