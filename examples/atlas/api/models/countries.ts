import { boolean, doublePrecision, index, integer, jsonb, pgTable, primaryKey, serial, text, varchar } from 'plinth/db'

export const countries = pgTable(
  'countries',
  {
    id: serial().primaryKey(),
    code: varchar({ length: 3 }).notNull().unique(),
    short_code: varchar({ length: 2 }).notNull().unique(),
    name: text().notNull(),
    official_name: text().notNull(),
    native_names: jsonb().notNull(),
    translations: jsonb().notNull(),
    region: text().notNull(),
    subregion: text(),
    capitals: text().array().notNull(),
    domains: text().array().notNull(),
    spellings: text().array().notNull(),
    latitude: doublePrecision().notNull(),
    longitude: doublePrecision().notNull(),
    area: doublePrecision().notNull(),
    landlocked: boolean().notNull(),
    independent: boolean(),
    flag: text().notNull(),
  },
  (table) => [index().on(table.region)],
)

/** Which countries touch. Both directions are stored, so that either side finds the other. */
export const country_borders = pgTable(
  'country_borders',
  {
    country_id: integer()
      .notNull()
      .references(() => countries.id, { onDelete: 'cascade' }),
    border_id: integer()
      .notNull()
      .references(() => countries.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.country_id, table.border_id] }), index().on(table.border_id)],
)
