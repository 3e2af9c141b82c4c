// Refresh tokens in PostgreSQL: the statements, and what they return.

import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'
import type { RefreshSecret } from './refresh-secret.ts'

const tables = ['"plinth"."refresh_tokens"', '"plinth"."sessions"']
const bytes = (parameter: string): string => `decode(${parameter}::text, 'hex')`
/** Judged by the clock of the moment, as sessions are. */
const isAlive = `s.expires_at > clock_timestamp() AND s.seen_at + s.idle_ms * interval '1 ms' > clock_timestamp()`
const ofFamily = `s.id = (SELECT session_id FROM plinth.refresh_tokens WHERE family = ${bytes('$1')} LIMIT 1)`

const insert = {
  name: 'plinth_refresh_insert',
  text: `INSERT INTO plinth.refresh_tokens (family, hash, session_id, expires_at)
    SELECT ${bytes('$1')}, ${bytes('$2')}, s.id, s.expires_at FROM plinth.sessions s WHERE s.id = ${bytes('$3')}`,
}

/**
 * One statement: of those who come with the same token at once, the first gets the lock of the session, and for the others it is used by then.
 * The session is touched; what was used longer ago than anybody may come again with is forgotten. Of a family that is not there it locks and
 * writes nothing: everybody can make up tokens.
 */
const rotate = {
  name: 'plinth_refresh_rotate',
  text: `WITH alive AS (
      SELECT s.id, s.user_id, s.expires_at FROM plinth.sessions s WHERE ${ofFamily} AND ${isAlive} FOR NO KEY UPDATE
    ), spent AS (
      UPDATE plinth.refresh_tokens t SET used_at = clock_timestamp(), salt = ${bytes('$4')} FROM alive
      WHERE t.family = ${bytes('$1')} AND t.hash = ${bytes('$2')} AND t.used_at IS NULL RETURNING alive.id, alive.user_id, alive.expires_at
    ), made AS (
      INSERT INTO plinth.refresh_tokens (family, hash, session_id, expires_at)
      SELECT ${bytes('$1')}, ${bytes('$3')}, id, expires_at FROM spent
    ), forgotten AS (
      DELETE FROM plinth.refresh_tokens t USING spent
      WHERE t.family = ${bytes('$1')} AND t.used_at < clock_timestamp() - $5::text::bigint * interval '1 ms'
    ), touched AS (
      UPDATE plinth.sessions s SET seen_at = clock_timestamp() FROM spent WHERE s.id = spent.id
    ) SELECT encode(alive.id, 'hex'), alive.user_id, spent.id IS NOT NULL FROM alive LEFT JOIN spent ON true`,
}

const look = {
  name: 'plinth_refresh_look',
  text: `SELECT encode(s.id, 'hex'), s.user_id, encode(t.salt, 'hex'), t.used_at > clock_timestamp() - $3::text::bigint * interval '1 ms'
    FROM plinth.sessions s LEFT JOIN plinth.refresh_tokens t ON t.family = ${bytes('$1')} AND t.hash = ${bytes('$2')}
    WHERE ${ofFamily} AND ${isAlive}`,
}
const has = {
  name: 'plinth_refresh_has',
  text: `SELECT FROM plinth.refresh_tokens WHERE family = ${bytes('$1')} AND hash = ${bytes('$2')}`,
}

/** The session of a family. */
export interface FamilySession {
  /** Handle of the session. */
  readonly session: string
  readonly user: string
}

/** What became of a token that does not count any more. */
export interface UsedToken extends FamilySession {
  /** With which its successor was made; undefined when the token is not known, so it was used long ago. */
  readonly salt: Buffer | undefined
  readonly isRecent: boolean
}

/** Part of the current transaction. @returns false when there is no such session */
export async function insertRefresh(db: Database, { family, hash }: RefreshSecret, session: string): Promise<boolean> {
  const { affected } = await db.write({ ...insert, values: [family, hash, session] }, { tables })
  return affected > 0
}

/** @returns undefined when there is no such family, or its session is over; `isSpent` is false for a token that was used before */
export async function rotateRefresh(
  db: Database,
  { family, hash }: RefreshSecret,
  { next, salt, graceMs }: { readonly next: RefreshSecret; readonly salt: Buffer; readonly graceMs: number },
): Promise<(FamilySession & { readonly isSpent: boolean }) | undefined> {
  const values = [family, hash, next.hash, salt.toString('hex'), String(graceMs)]
  const rows = await db.write({ ...rotate, values }, { tables })
  if (rows.count === 0) return undefined
  const [session, user, isSpent] = textColumns(rows, 0)
  return { session: session ?? '', user: user ?? '', isSpent: isSpent === 't' }
}

/** @returns undefined when there is no such family, or its session is over */
export async function findUsed(db: Database, { family, hash }: RefreshSecret, graceMs: number): Promise<UsedToken | undefined> {
  const rows = await db.read({ ...look, values: [family, hash, String(graceMs)] })
  if (rows.count === 0) return undefined
  const [session, user, salt, isRecent] = textColumns(rows, 0)
  return { session: session ?? '', user: user ?? '', salt: salt == null ? undefined : Buffer.from(salt, 'hex'), isRecent: isRecent === 't' }
}

export async function hasRefresh(db: Database, { family, hash }: RefreshSecret): Promise<boolean> {
  const { count } = await db.read({ ...has, values: [family, hash] })
  return count > 0
}
