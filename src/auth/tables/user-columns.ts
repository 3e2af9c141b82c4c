// What a table of users has to have: `pgTable('users', { ...userColumns, display_name: text() })`. The table is the application's own, so
// it holds no secret: passwords and all other credentials are in the schema `plinth`, where no resource leads.

import { text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { timestamps } from '../../model/columns.ts'

const moment = () => timestamp({ withTimezone: true, mode: 'string' })

export const userColumns = {
  id: uuid().primaryKey().defaultRandom(),
  /** In lower case, as sign-up writes it. */
  email: text().notNull().unique(),
  /** When its owner has shown that mail to it arrives. */
  email_verified_at: moment(),
  /** Nobody signs in to it from then on, and whoever is signed in is not any more. */
  disabled_at: moment(),
  ...timestamps,
}
