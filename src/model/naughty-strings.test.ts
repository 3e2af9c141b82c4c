// Strings that broke somebody's program: each comes back exactly as it was sent, or is refused.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { jsonb, json, pgTable, text, varchar } from 'drizzle-orm/pg-core'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { scratchDatabase, testDatabases } from '../../test/support/postgres.ts'
import { decodeText } from './decode.ts'
import { parseField } from './parse-field.ts'
import { readTable } from './read-table.ts'

const list: unknown = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('big-list-of-naughty-strings/blns.json'), 'utf8'))
const naughty = [
  ...(list as string[]),
  '\u0000',
  'a\u0000b',
  '\ud83d',
  '\ude00x',
  'a'.repeat(100_000),
  '\u{10ffff}',
  'e\u0301',
  '\ufeff',
  '\r\n',
  '\u2028',
]

const notes = readTable(pgTable('notes', { text: text(), varchar: varchar(), list: text().array(), json: json(), jsonb: jsonb() }))

/** The value of each column that holds `text`. */
const holders: Readonly<Record<string, (text: string) => unknown>> = {
  text: (text) => text,
  varchar: (text) => text,
  list: (text) => [text, text],
  json: (text) => ({ [text]: [text] }),
  jsonb: (text) => ({ [text]: [text] }),
}

describe.each(testDatabases())('on $name', ({ url }) => {
  test.each(notes.fields)('in $name every naughty string comes back as it was, or is refused with a hint', async (field) => {
    const hold = holders[field.name] ?? String
    const database = await scratchDatabase(url)
    const client = new Client({ connectionString: database.url, types: { getTypeParser: () => String } })
    await client.connect()
    try {
      const values = naughty.map((text) => ({ text, value: hold(text), parsed: parseField(field, hold(text)) }))
      const taken = values.flatMap(({ value, parsed }) => ('value' in parsed ? [{ value, text: parsed.value }] : []))
      const refused = values.flatMap(({ text, parsed }) => ('problem' in parsed ? [{ text, hint: parsed.hint }] : []))
      expect(refused.map(({ text }) => text)).toEqual(['\u0000', 'a\u0000b', '\ud83d', '\ude00x'])
      for (const { hint } of refused) expect(hint).toMatch(/\w/)
      const rows = taken.map((_, i) => `($${i + 1}::${field.castType})`).join(', ')
      const { rows: stored } = await client.query<{ column1: string }>(
        `values ${rows}`,
        taken.map(({ text }) => text),
      )
      expect(stored.map(({ column1 }) => decodeText(field, column1))).toEqual(taken.map(({ value }) => value))
    } finally {
      await client.end()
      await database.drop()
    }
  })
})
