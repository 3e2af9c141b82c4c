// Sessions in PostgreSQL: the statements, and what they return.

import type { Database } from '../db/database.ts'
import { textColumns, type TextRows } from '../db/rows.ts'
import type { SessionCopy } from './session-copy.ts'
import type { SessionData } from './sessions.ts'

/** A row, with the name that copies of it have. */
export interface SessionRow {
  /** SHA-256 of the id, in hex. */
  readonly hash: string
  readonly copy: SessionCopy
}

/** Who was changed, and by which transaction. */
export interface SessionChange {
  readonly hash: string
  readonly version: bigint
}

const tables = ['"plinth"."sessions"']
const milliseconds = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::bigint`
const columns = `encode(id, 'hex'), user_id, data, ${milliseconds('created_at')}, ${milliseconds('seen_at')}, idle_ms, ${milliseconds('expires_at')}, pg_snapshot_xmin(pg_current_snapshot())`
/** Judged by the clock of the moment, not by that of a transaction that may have begun long ago. */
const isAlive = `expires_at > clock_timestamp() AND seen_at + idle_ms * interval '1 ms' > clock_timestamp()`
const byHash = `id = decode($1::text, 'hex')`
const changed = `encode(id, 'hex'), pg_current_xact_id()`

const find = { name: 'plinth_session_find', text: `SELECT ${columns} FROM plinth.sessions WHERE ${byHash} AND ${isAlive}` }
const list = {
  name: 'plinth_session_list',
  text: `SELECT ${columns} FROM plinth.sessions WHERE user_id = $1::text AND ${isAlive} ORDER BY created_at DESC, id`,
}
const insert = {
  name: 'plinth_session_insert',
  text: `INSERT INTO plinth.sessions (id, user_id, data, created_at, seen_at, idle_ms, expires_at)
    SELECT decode($1::text, 'hex'), $2::text, $3::text::json, now, now, $4::text::bigint, now + $5::text::bigint * interval '1 ms'
    FROM clock_timestamp() now RETURNING ${columns}`,
}
const touch = {
  name: 'plinth_session_touch',
  text: `UPDATE plinth.sessions SET seen_at = clock_timestamp() WHERE ${byHash} AND ${isAlive} AND seen_at < clock_timestamp() - $2::text::bigint * interval '1 ms'`,
}
const update = {
  name: 'plinth_session_update',
  text: `UPDATE plinth.sessions SET data = $2::text::json WHERE ${byHash} AND ${isAlive} RETURNING ${changed}`,
}
const merge = {
  name: 'plinth_session_merge',
  text: `UPDATE plinth.sessions SET data = (data::jsonb || $3::text::jsonb)::json WHERE ${byHash} AND user_id = $2::text AND ${isAlive} RETURNING ${changed}`,
}
const remove = {
  name: 'plinth_session_delete',
  text: `DELETE FROM plinth.sessions WHERE ${byHash} AND ($2::text IS NULL OR user_id = $2::text) RETURNING ${changed}`,
}
const removeAll = {
  name: 'plinth_session_delete_all',
  text: `DELETE FROM plinth.sessions WHERE user_id = $1::text AND ($2::text IS NULL OR id <> decode($2::text, 'hex')) RETURNING ${changed}`,
}

export async function findSession(db: Database, hash: string): Promise<SessionRow | undefined> {
  return rowsOf(await db.read({ ...find, values: [hash] }))[0]
}

export async function listSessions(db: Database, user: string): Promise<SessionRow[]> {
  return rowsOf(await db.read({ ...list, values: [user] }))
}

export interface SessionInsert {
  readonly hash: string
  readonly user: string
  readonly data: SessionData
  readonly idleMs: number
  readonly lifetimeMs: number
}

export async function insertSession(db: Database, { hash, user, data, idleMs, lifetimeMs }: SessionInsert): Promise<SessionRow> {
  const values = [hash, user, JSON.stringify(data), String(idleMs), String(lifetimeMs)]
  const [row] = rowsOf(await db.write({ ...insert, values }, { tables }))
  if (row === undefined) throw new Error('INSERT … RETURNING returned nothing.')
  return row
}

/** @returns whether it was written: it is not when it is over, or somebody else did less than `everyMs` ago */
export async function touchSession(db: Database, hash: string, everyMs: number): Promise<boolean> {
  const { affected } = await db.write({ ...touch, values: [hash, String(everyMs)] }, { tables })
  return affected > 0
}

export async function updateSession(db: Database, hash: string, data: SessionData): Promise<SessionChange[]> {
  return changesOf(await db.write({ ...update, values: [hash, JSON.stringify(data)] }, { tables }))
}

/** Two that set something else at once both do. */
export async function mergeSession(db: Database, hash: string, user: string, some: SessionData): Promise<SessionChange[]> {
  return changesOf(await db.write({ ...merge, values: [hash, user, JSON.stringify(some)] }, { tables }))
}

/** @param user  when given, whose it must be */
export async function deleteSession(db: Database, hash: string, user: string | null = null): Promise<SessionChange[]> {
  return changesOf(await db.write({ ...remove, values: [hash, user] }, { tables }))
}

export async function deleteSessionsOf(db: Database, user: string, exceptHash: string | null): Promise<SessionChange[]> {
  return changesOf(await db.write({ ...removeAll, values: [user, exceptHash] }, { tables }))
}

function rowsOf(rows: TextRows): SessionRow[] {
  return Array.from({ length: rows.count }, (_, index) => rowOf(textColumns(rows, index)))
}

function rowOf([hash, user, data, created, seen, idle, expires, version]: (string | null)[]): SessionRow {
  return {
    hash: hash ?? '',
    copy: {
      user: user ?? '',
      data: JSON.parse(data ?? '{}') as SessionData,
      createdMs: Number(created),
      seenMs: Number(seen),
      idleMs: Number(idle),
      expiresMs: Number(expires),
      version: BigInt(version ?? 0),
    },
  }
}

function changesOf(rows: TextRows): SessionChange[] {
  return Array.from({ length: rows.count }, (_, index) => {
    const [hash, version] = textColumns(rows, index)
    return { hash: hash ?? '', version: BigInt(version ?? 0) }
  })
}
