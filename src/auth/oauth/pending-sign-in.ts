// Somebody who has come back from another site, and whose account has a second factor: the browser keeps a text for as long as it takes to
// send the code. It opens nothing by itself, and ends with everything that ends the sessions of the user.

import type { Database } from '../../db/database.ts'
import type { User } from '../accounts/users.ts'
import { findToken, keepToken, lifetimeOf, newOneTimeToken, useToken } from '../accounts/one-time-tokens.ts'

const purpose = 'oauth_second_factor'

export const pendingMs = lifetimeOf(purpose)

/** Who it is, and as of when: what has ended everything since then has ended this. */
export type Pending = Pick<User, 'id' | 'generation'>

/** @returns what the browser keeps */
export async function keepPending(db: Database, { id: user, generation }: Pending): Promise<string> {
  const token = newOneTimeToken()
  await keepToken(db, token, { purpose, user, data: { generation } })
  return token.token
}

/** Whose it is, without using it: a code may be mistyped. */
export async function findPending(db: Database, token: string): Promise<Pending | undefined> {
  const found = await findToken(db, token, [purpose])
  return found === undefined ? undefined : { id: found.user, generation: String(found.data['generation']) }
}

/** @returns false when somebody else was first */
export async function usePending(db: Database, token: string): Promise<boolean> {
  return (await useToken(db, token, [purpose])) !== undefined
}
