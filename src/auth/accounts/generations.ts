// A proof of who somebody is takes time: a hash waits in line for seconds. What is proved counts only if nothing has ended it meanwhile, so
// every user has a number that grows with each end, read before the proof and compared after it, in the transaction that acts on it.

import type { Database } from '../../db/database.ts'
import { writeTexts } from './texts.ts'
import type { User } from './users.ts'

const tables = ['"plinth"."user_generations"']

const lock = `INSERT INTO plinth.user_generations AS g (user_id) VALUES ($1::text)
  ON CONFLICT (user_id) DO UPDATE SET generation = g.generation RETURNING generation::text`
const next = `INSERT INTO plinth.user_generations AS g (user_id, generation) VALUES ($1::text, 1)
  ON CONFLICT (user_id) DO UPDATE SET generation = g.generation + 1 RETURNING generation::text`

/**
 * Whether nothing has ended what signed a user in since the user was read. Waits for whoever ends it now, and holds up whoever comes next
 * until the current transaction is over.
 */
export async function isStill(db: Database, { id, generation }: Pick<User, 'id' | 'generation'>): Promise<boolean> {
  return (await lockGeneration(db, id)) === generation
}

/** Waits for whoever ends now what signed a user in, and holds up whoever comes next until the current transaction is over. @returns the generation */
export async function lockGeneration(db: Database, user: string): Promise<string> {
  const [row] = await writeTexts(db, { text: lock, values: [user] }, tables)
  return row?.[0] ?? ''
}

/** To be called in a transaction, before sessions are removed: those that are being opened are there by then. @returns the new generation */
export async function nextGeneration(db: Database, user: string): Promise<string> {
  const [row] = await writeTexts(db, { text: next, values: [user] }, tables)
  return row?.[0] ?? ''
}

/** Of an account that is deleted. */
export async function forgetGeneration(db: Database, user: string): Promise<void> {
  await db.write({ text: 'DELETE FROM plinth.user_generations WHERE user_id = $1::text', values: [user] }, { tables })
}
