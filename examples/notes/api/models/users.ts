import { pgTable, varchar } from 'plinth/db'
import { userColumns } from 'plinth/auth'

export const users = pgTable('users', { ...userColumns, display_name: varchar({ length: 50 }) })
