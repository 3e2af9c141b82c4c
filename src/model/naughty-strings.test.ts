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
const naughty = [...(list as string[]), '\u0000', 'a\u0000b', '\ud83d', '\ude00x', 'a'.repeat(100_000), '\u{10ffff}', 'e\u0301', '\ufeff', '\r\n', '\u2028']

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
      let refused = 0
      for (const text of naughty) {
        const value = hold(text)
        const parsed = parseField(field, value)
        if ('problem' in parsed) {
          expect(parsed.hint).toMatch(/\w/)
          expect(text.includes('\u0000') || !text.isWellFormed()).toBe(true)
          refused += 1
          continue
        }
        const { rows } = await client.query<{ stored: string }>(`select $1::${field.castType} as stored`, [parsed.value])
        expect(decodeText(field, rows[0]?.stored ?? null)).toEqual(value)
      }
      expect(refused).toBe(4)
    } finally {
      await client.end()
      await database.drop()
    }
  })
})
