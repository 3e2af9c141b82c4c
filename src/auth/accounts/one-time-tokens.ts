// Tokens that go out, by mail or as challenges, and are used once: 256 random bits, of which the database keeps the SHA-256. Using one removes its row in the
// same statement that finds it, so of two that come with the same one, one gets nothing.

import { createHash, randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'
import { readTexts, writeTexts } from './texts.ts'

export type TokenPurpose =
  | 'verify_email'
  | 'reset_password'
  | 'change_email'
  | 'invitation'
  | 'passkey_registration'
  | 'passkey_sign_in'
  | 'oauth'
  | 'oauth_second_factor'

const lifetimesMs: Readonly<Record<TokenPurpose, number>> = {
  verify_email: 24 * 3_600_000,
  reset_password: 3_600_000,
  change_email: 3_600_000,
  invitation: 7 * 24 * 3_600_000,
  passkey_registration: 5 * 60_000,
  passkey_sign_in: 5 * 60_000,
  oauth: 10 * 60_000,
  oauth_second_factor: 10 * 60_000,
}

export interface NewOneTimeToken {
  readonly token: string
  /** SHA-256 in hex: what is kept. */
  readonly hash: string
}

export interface OneTimeToken {
  readonly purpose: TokenPurpose
  readonly user: string
  readonly data: Readonly<Record<string, unknown>>
}

const tables = ['"plinth"."one_time_tokens"']

export function newOneTimeToken(): NewOneTimeToken {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: createHash('sha256').update(token).digest('hex') }
}

export function lifetimeOf(purpose: TokenPurpose): number {
  return lifetimesMs[purpose]
}

export async function keepToken(db: Database, { hash }: NewOneTimeToken, { purpose, user, data }: OneTimeToken): Promise<void> {
  const text = `INSERT INTO plinth.one_time_tokens (id, purpose, user_id, data, expires_at)
    VALUES (decode($1::text, 'hex'), $2::text, $3::text, $4::text::json, now() + $5::text::bigint * interval '1 ms')`
  await db.write({ text, values: [hash, purpose, user, JSON.stringify(data), String(lifetimesMs[purpose])] }, { tables })
}

/** Whose a token is, without using it. */
export async function findToken(db: Database, token: string, purposes: readonly TokenPurpose[]): Promise<OneTimeToken | undefined> {
  const hash = hashOf(token)
  if (hash === undefined) return undefined
  const text = `SELECT purpose, user_id, data FROM plinth.one_time_tokens WHERE ${isUsable}`
  return tokenOf(await readTexts(db, { text, values: [hash, purposes.join(',')] }))
}

/** Uses a token: it is gone, unless the current transaction is rolled back. */
export async function useToken(db: Database, token: string, purposes: readonly TokenPurpose[]): Promise<OneTimeToken | undefined> {
  const hash = hashOf(token)
  if (hash === undefined) return undefined
  const text = `DELETE FROM plinth.one_time_tokens WHERE ${isUsable} RETURNING purpose, user_id, data`
  return tokenOf(await writeTexts(db, { text, values: [hash, purposes.join(',')] }, tables))
}

/** Ends all that were sent to a user. */
export async function endTokensOf(db: Database, user: string): Promise<void> {
  await db.write({ text: 'DELETE FROM plinth.one_time_tokens WHERE user_id = $1::text', values: [user] }, { tables })
}

const isUsable = `id = decode($1::text, 'hex') AND purpose = ANY (string_to_array($2::text, ',')) AND expires_at > clock_timestamp()`

function hashOf(token: string): string | undefined {
  return /^[\w-]{43}$/.test(token) ? createHash('sha256').update(token).digest('hex') : undefined
}

function tokenOf([row]: readonly (string | null)[][]): OneTimeToken | undefined {
  if (row === undefined) return undefined
  const [purpose, user, data] = row
  return { purpose: purpose as TokenPurpose, user: user ?? '', data: JSON.parse(data ?? '{}') as OneTimeToken['data'] }
}
