// A session is believed for a moment after it has ended. What lasts longer than a session must not be made in that moment.

import type { Database } from '../../db/database.ts'
import { findSession } from '../../state/session-rows.ts'
import { signInRequired } from '../policy-errors.ts'
import { lockGeneration } from './generations.ts'

/**
 * Demands that a session is there, in PostgreSQL. To be called in a transaction, which whoever ends sessions of the user waits for.
 *
 * @param handle  names the session
 * @throws        AppError AUTH_REQUIRED
 */
export async function demandLiving(db: Database, user: string, handle: string): Promise<void> {
  await lockGeneration(db, user)
  if ((await findSession(db, handle)) === undefined) throw signInRequired()
}
