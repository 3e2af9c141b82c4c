// The rows that every server under test answers from: 10,000 posts by 1,000 authors, three tags each.

import { Pool } from 'pg'
import type { Tracking } from '../src/db/migrate/tracking.ts'
import { createSchema } from '../src/testing/create-schema.ts'
import { authors, post_tags, posts, tags } from './tables.ts'

export const postsInTable = 10_000

/** Times have milliseconds, because a JavaScript Date has no more and all servers are to answer the same. */
const rows = [
  `insert into authors (name, email) select 'Author ' || i, 'author' || i || '@example.com' from generate_series(1, 1000) i`,
  `insert into tags (name) select 'tag ' || i from generate_series(1, 50) i`,
  `insert into posts (author_id, title, body, price, published_at)
    select 1 + i % 1000, 'Title of post number ' || i, 'A body with some text in it, quite short, of the post "number ' || i || '".', i * 1.37,
      timestamptz '2025-01-01 00:00:00.123Z' + i * interval '1 minute' from generate_series(1, ${postsInTable}) i`,
  `insert into post_tags select post, 1 + (post * 7 + nth * 13) % 50 from generate_series(1, ${postsInTable}) post, generate_series(1, 3) nth`,
  'vacuum analyze',
]

/**
 * Brings an empty database to the state that is measured.
 *
 * @param tracking  what the cache needs of the tables
 */
export async function loadDatabase(url: string, tracking?: Tracking): Promise<void> {
  await createSchema(url, { authors, posts, tags, post_tags }, tracking)
  await runAll(url, rows)
}

/** Removes what creating has added, so that every round finds the same table. */
export async function forgetCreated(url: string): Promise<void> {
  await runAll(url, [`delete from posts where id > ${postsInTable}`, 'vacuum posts'])
}

/** @returns the version the server tells, `15.18` */
export async function serverVersion(url: string): Promise<string> {
  const [result] = await runAll(url, ['show server_version'])
  return String(Object.values(result ?? {})[0]).split(' ')[0] ?? ''
}

/** One after the other, as the user of the URL. @returns the rows of the last */
export async function runAll(url: string, statements: readonly string[]): Promise<object[]> {
  const pool = new Pool({ connectionString: url, max: 1 })
  try {
    let last: object[] = []
    for (const statement of statements) last = (await pool.query<object>(statement)).rows
    return last
  } finally {
    await pool.end()
  }
}
