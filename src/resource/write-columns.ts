// What the columns of one record are set to, between reading the caller's values and writing the statement.

import type { Field } from '../model/model.ts'

/** `SET column = DEFAULT`, or the same in VALUES. */
export const byDefault = Symbol('DEFAULT')

/** PostgreSQL text, NULL, or the column's default. The time of the statement is the text `now`, which every date type reads. */
export type ColumnValue = string | null | typeof byDefault

/** Columns in the order of the table, so that equal sets of columns make equal statements. */
export type ColumnValues = ReadonlyMap<Field, ColumnValue>
