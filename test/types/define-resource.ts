// What the compiler must say about definitions. Checked by `npm run check -- types`: a line marked @ts-expect-error that
// compiles is an error.

import { anyone, defineResource } from 'plinth'
import { bigint, integer, numeric, pgTable, serial, text, timestamps } from 'plinth/db'

const books = pgTable('books', {
  id: serial().primaryKey(),
  title: text().notNull(),
  pages: integer(),
  sold: bigint({ mode: 'bigint' }),
  price: numeric(),
  labels: text().array(),
  ...timestamps,
})

const open = { read: anyone, write: anyone }

defineResource(books, {
  access: open,
  search: ['title'],
  hidden: ['pages'],
  hooks: {
    beforeWrite(values, { current }) {
      const title: string | undefined = values.title
      const before: string | undefined = current?.title
      return { ...values, title: `${title ?? before ?? ''}!`, sold: 5n }
    },
    afterWrite(row) {
      const created: string = row.created_at
      const sold: string | null = row.sold
      const labels: string[] | null = row.labels
      return void [created, sold, labels]
    },
  },
})

// @ts-expect-error -- access must be said
defineResource(books, {})

// @ts-expect-error -- "titel" is not a column
defineResource(books, { access: open, search: ['titel'] })

defineResource(books, { access: open, tenant: 'pages' })
defineResource(books, { access: open, tenant: { field: 'pages', sharedUniques: ['title'] } })

// @ts-expect-error -- "pagse" is not a column
defineResource(books, { access: open, tenant: 'pagse' })

// @ts-expect-error -- "pagse" is not a column
defineResource(books, { access: open, tenant: { field: 'pagse' } })

// @ts-expect-error -- "lst" is not an operation
defineResource(books, { access: open, operations: ['lst'] })

defineResource(books, {
  access: open,
  // @ts-expect-error -- a text cannot become a number
  hooks: { beforeWrite: () => ({ title: 5 }) },
})
