// Removes the ways in that a user has beside the password.

import type { Database } from '../db/database.ts'
import { removeKeys } from './api-keys/key-rows.ts'
import { disconnect } from './oauth/oauth-rows.ts'
import { removePasskeys } from './passkeys/passkey-rows.ts'
import { removeFactor } from './second-factors/factor-rows.ts'

/** All of them, with the account. Part of the current transaction. */
export async function forgetWaysIn(db: Database, user: string): Promise<void> {
  await removeFactor(db, user)
  await forgetCredentials(db, user)
}

/**
 * Everything that signs somebody in by itself: whoever was in the account may have made it. The second factor stays, or a mailbox alone
 * would be enough to get around it. Part of the current transaction.
 */
export async function forgetCredentials(db: Database, user: string): Promise<void> {
  await removeKeys(db, { kind: 'user', id: user })
  await removePasskeys(db, user)
  await disconnect(db, user)
}
