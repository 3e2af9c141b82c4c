// A migration writes past the application, so a fenced cache is off while it runs. Where nobody uses one, this costs two small queries.

import type { Connection } from './connection.ts'

/** A migrator that dies leaves the cache off for at most this long; slower, and right. */
const hold = '10 minutes'

/**
 * Switches the fenced cache off and waits until no process serves from it.
 *
 * @param connection  not inside a transaction
 */
export async function openUnfenced(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ off: boolean }>(
    `SELECT state = 'disabled' AND unfenced_until > now() + interval '1 minute' AS off FROM plinth.cache_state WHERE state <> 'disabled' OR epoch IS NOT NULL`,
  )
  if (rows.some(({ off }) => !off)) await connection.query(`CALL plinth.open_unfenced('${hold}')`)
}

/** Lets everything the current transaction does pass the guards; fails with 55000 when the cache was switched on again. */
export async function admitUnfenced(connection: Connection): Promise<void> {
  await connection.query(`SELECT plinth.admit_unfenced('the database')`)
}

/** The application may switch the cache on again. */
export async function closeUnfenced(connection: Connection): Promise<void> {
  await connection.query('SELECT plinth.close_unfenced()')
}
