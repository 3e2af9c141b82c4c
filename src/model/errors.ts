// What a table can have that Plinth cannot work with. Found at start, never while serving.

import { defineErrors } from '../core/errors.ts'

export const modelErrors = defineErrors('MODEL', {
  NOT_A_TABLE: {
    status: 500,
    summary: 'Something else than a Drizzle table or view was given as the table of a resource.',
    message: (what: string) => `A resource needs a Drizzle table or view, not ${what}.`,
    hint: () => 'Pass what pgTable(…) or pgView(…) returned. If it is one, two copies of drizzle-orm may be installed.',
  },
  NESTED_VIEW_FIELD: {
    status: 500,
    summary: 'A view selects a whole table or an object as one field.',
    message: (view: string, field: string) => `The view "${view}" selects "${field}" as an object, but a view has only columns.`,
    hint: () => 'Select its columns one by one, each under its own name.',
  },
})
