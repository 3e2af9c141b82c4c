// Hashes of passwords, in the schema `plinth`: no resource leads there.

import type { Database } from '../../db/database.ts'
import { readTexts } from './texts.ts'

const tables = ['"plinth"."credentials"']

export async function findPassword(db: Database, user: string): Promise<string | undefined> {
  const [row] = await readTexts(db, { text: 'SELECT password FROM plinth.credentials WHERE user_id = $1::text', values: [user] })
  return row?.[0] ?? undefined
}

export async function keepPassword(db: Database, user: string, phc: string): Promise<void> {
  const text = `INSERT INTO plinth.credentials (user_id, password) VALUES ($1::text, $2::text)
    ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, changed_at = now()`
  await db.write({ text, values: [user, phc] }, { tables })
}

/** The same password under another cost; nothing happens when it was changed meanwhile. */
export async function replaceHash(db: Database, user: string, before: string, after: string): Promise<void> {
  const text = 'UPDATE plinth.credentials SET password = $3::text WHERE user_id = $1::text AND password = $2::text'
  await db.write({ text, values: [user, before, after] }, { tables })
}

export async function forgetPassword(db: Database, user: string): Promise<void> {
  await db.write({ text: 'DELETE FROM plinth.credentials WHERE user_id = $1::text', values: [user] }, { tables })
}
