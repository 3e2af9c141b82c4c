// What `db pull` refuses.

import { defineErrors } from '../../core/errors.ts'

export const pullErrors = defineErrors('PULL', {
  MIGRATIONS_EXIST: {
    status: 409,
    summary: 'A pull writes the first migration, so it needs a folder without any.',
    message: (count: number) => `There are ${count} migrations already, and a pull writes the first one.`,
    hint: () => 'Pull into a new application; or remove migrations/ when the database is the truth.',
  },
})
