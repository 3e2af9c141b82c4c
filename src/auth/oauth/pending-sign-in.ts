// Somebody who has come back from another site, and whose account has a second factor: the browser keeps a text for as long as it takes to
// send the code. It opens nothing by itself, and ends with a reset of the password, as every token of a user does.

import type { Database } from '../../db/database.ts'
import { findToken, keepToken, lifetimeOf, newOneTimeToken, useToken } from '../accounts/one-time-tokens.ts'

const purpose = 'oauth_second_factor'

export const pendingMs = lifetimeOf(purpose)

/** @returns what the browser keeps */
export async function keepPending(db: Database, user: string): Promise<string> {
  const token = newOneTimeToken()
  await keepToken(db, token, { purpose, user, data: {} })
  return token.token
}

/** Whose it is, without using it: a code may be mistyped. */
export async function findPending(db: Database, token: string): Promise<string | undefined> {
  return (await findToken(db, token, [purpose]))?.user
}

/** @returns false when somebody else was first */
export async function usePending(db: Database, token: string): Promise<boolean> {
  return (await useToken(db, token, [purpose])) !== undefined
}
