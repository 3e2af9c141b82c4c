// Columns that many tables share: `pgTable('items', { …, ...timestamps, ...softDelete })`.

import { sql } from 'drizzle-orm'
import { timestamp } from 'drizzle-orm/pg-core'

const moment = () => timestamp({ withTimezone: true, mode: 'string' })

/** `created_at` and `updated_at`, both filled by the database; every update sets `updated_at` to the transaction's time. */
export const timestamps = {
  created_at: moment().notNull().defaultNow(),
  updated_at: moment()
    .notNull()
    .defaultNow()
    .$onUpdate(() => sql`now()`),
}

/** `deleted_at`: NULL until the record is deleted. A table that has it is soft-deleted. */
export const softDelete = {
  deleted_at: moment(),
}
