// Removes every way in that a user has beside the password, with the account.

import type { Database } from '../db/database.ts'
import { removeKeys } from './api-keys/key-rows.ts'
import { disconnect } from './oauth/oauth-rows.ts'
import { removePasskeys } from './passkeys/passkey-rows.ts'
import { removeFactor } from './second-factors/factor-rows.ts'

/** Part of the current transaction. */
export async function forgetWaysIn(db: Database, user: string): Promise<void> {
  await removeKeys(db, { kind: 'user', id: user })
  await removeFactor(db, user)
  await removePasskeys(db, user)
  await disconnect(db, user)
}
