import { doublePrecision, index, integer, pgTable, text, varchar } from 'plinth/db'
import { countries } from './countries.ts'

export const cities = pgTable(
  'cities',
  {
    id: integer().primaryKey(),
    name: text().notNull(),
    other_names: text(),
    country_id: integer()
      .notNull()
      .references(() => countries.id),
    feature: varchar({ length: 5 }).notNull(),
    region_code: text(),
    population: integer().notNull(),
    latitude: doublePrecision().notNull(),
    longitude: doublePrecision().notNull(),
  },
  (table) => [index().on(table.population.desc(), table.id.desc()), index().on(table.country_id), index().on(table.name)],
)
