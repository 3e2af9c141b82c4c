// Passkeys in PostgreSQL: the statements, and what they return.

import type { Database } from '../../db/database.ts'
import { textColumns, type TextRows } from '../../db/rows.ts'

export interface Passkey {
  /** Of the credential, in base64url. */
  readonly id: string
  /** What its user calls it. */
  readonly name: string
  readonly createdAt: Date
  readonly usedAt: Date | undefined
}

export interface PasskeyRow extends Passkey {
  readonly user: string
  /** COSE. */
  readonly publicKey: Buffer
  readonly signCount: number
  readonly transports: readonly string[]
}

export type NewPasskey = Omit<PasskeyRow, 'createdAt' | 'usedAt'>

const tables = ['"plinth"."passkeys"']
const milliseconds = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::bigint`
const columns = `id, user_id, encode(public_key, 'hex'), sign_count, transports, name, ${milliseconds('created_at')}, ${milliseconds('used_at')}`

/** @returns undefined when somebody has a passkey with that id already */
export async function insertPasskey(db: Database, passkey: NewPasskey): Promise<PasskeyRow | undefined> {
  const { id, user, publicKey, signCount, transports, name } = passkey
  const text = `INSERT INTO plinth.passkeys (id, user_id, public_key, sign_count, transports, name)
    VALUES ($1::text, $2::text, decode($3::text, 'hex'), $4::text::bigint, $5::text::json, $6::text) ON CONFLICT DO NOTHING RETURNING ${columns}`
  const values = [id, user, publicKey.toString('hex'), String(signCount), JSON.stringify(transports), name]
  return rowsOf(await db.write({ text, values }, { tables }))[0]
}

export async function findPasskey(db: Database, id: string): Promise<PasskeyRow | undefined> {
  return rowsOf(await db.read({ text: `SELECT ${columns} FROM plinth.passkeys WHERE id = $1::text`, values: [id] }))[0]
}

/** The newest first. */
export async function listPasskeys(db: Database, user: string): Promise<PasskeyRow[]> {
  const text = `SELECT ${columns} FROM plinth.passkeys WHERE user_id = $1::text ORDER BY created_at DESC, id`
  return rowsOf(await db.read({ text, values: [user] }))
}

/** Counters go up, or stay 0. @returns false when somebody else was there with a count that is not below this one */
export async function notePasskeyUse(db: Database, id: string, signCount: number): Promise<boolean> {
  const text = `UPDATE plinth.passkeys SET sign_count = $2::text::bigint, used_at = clock_timestamp()
    WHERE id = $1::text AND (sign_count < $2::text::bigint OR (sign_count = 0 AND $2::text = '0'))`
  const { affected } = await db.write({ text, values: [id, String(signCount)] }, { tables })
  return affected > 0
}

/** @param id  of the one; all of the user without it. @returns how many there were */
export async function removePasskeys(db: Database, user: string, id?: string): Promise<number> {
  const text = 'DELETE FROM plinth.passkeys WHERE user_id = $1::text AND ($2::text IS NULL OR id = $2::text)'
  const { affected } = await db.write({ text, values: [user, id ?? null] }, { tables })
  return affected
}

function rowsOf(rows: TextRows): PasskeyRow[] {
  return Array.from({ length: rows.count }, (_, index) => rowOf(textColumns(rows, index)))
}

function rowOf([id, user, publicKey, signCount, transports, name, created, used]: (string | null)[]): PasskeyRow {
  return {
    id: id ?? '',
    user: user ?? '',
    publicKey: Buffer.from(publicKey ?? '', 'hex'),
    signCount: Number(signCount),
    transports: JSON.parse(transports ?? '[]') as string[],
    name: name ?? '',
    createdAt: new Date(Number(created)),
    usedAt: used == null ? undefined : new Date(Number(used)),
  }
}
