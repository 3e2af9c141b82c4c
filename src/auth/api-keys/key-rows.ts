// API keys in PostgreSQL: the statements, and what they return.

import type { Database } from '../../db/database.ts'
import { textColumns, type TextRows } from '../../db/rows.ts'
import type { KeyText } from './key-text.ts'

/** Whose a key is: of a user (primary key as text), or of another program (its name). */
export interface KeyOwner {
  readonly kind: 'user' | 'service'
  readonly id: string
}

export interface ApiKey {
  /** Names it; nobody can use a key with it. */
  readonly id: string
  readonly owner: KeyOwner
  /** What its owner calls it. */
  readonly name: string
  /** What it may be used for; undefined: everything its owner may do. */
  readonly scopes: readonly string[] | undefined
  /** The one that it acts in; undefined: any that its owner belongs to. */
  readonly tenant: string | undefined
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  /** To the minute. */
  readonly usedAt: Date | undefined
}

export interface ApiKeyRow {
  readonly apiKey: ApiKey
  readonly hash: Buffer
  /** By the clock of PostgreSQL; Infinity for one that does not expire. */
  readonly endsInMs: number
}

export type NewApiKey = Pick<ApiKey, 'owner' | 'name' | 'scopes'> & {
  readonly tenant?: string | undefined
  /** Without it: until it is revoked. */
  readonly lifetimeMs?: number
}

/** As SQL names it. */
export const keysTable = '"plinth"."api_keys"'
const milliseconds = (time: string): string => `floor(extract(epoch FROM ${time}) * 1000)::bigint`
const columns = `k.id, k.owner_kind, k.owner_id, k.name, k.scopes, ${milliseconds('k.created_at')}, ${milliseconds('k.expires_at')},
  ${milliseconds('u.used_at')}, encode(k.hash, 'hex'), ${milliseconds('k.expires_at - clock_timestamp()')}, k.tenant`
const ofOwner = 'owner_kind = $1::text AND owner_id = $2::text'

/** One after the other for each owner: two at once would both be the last one. */
const lock = `SELECT pg_advisory_xact_lock(hashtextextended(concat('plinth: API keys of ', $1::text, ' ', $2::text), 0))`
const insert = `WITH k AS (
    INSERT INTO plinth.api_keys (id, hash, owner_kind, owner_id, name, scopes, expires_at, tenant)
    SELECT $1::text, decode($2::text, 'hex'), $3::text, $4::text, $5::text, $6::text::json, clock_timestamp() + $7::text::bigint * interval '1 ms', $9::text
    WHERE (SELECT count(*) FROM plinth.api_keys WHERE owner_kind = $3::text AND owner_id = $4::text) < $8::text::bigint RETURNING *
  ) SELECT ${columns} FROM k LEFT JOIN plinth.api_key_uses u USING (id)`
const find = `SELECT ${columns} FROM plinth.api_keys k LEFT JOIN plinth.api_key_uses u USING (id) WHERE k.id = $1::text`
const list = `SELECT ${columns} FROM plinth.api_keys k LEFT JOIN plinth.api_key_uses u USING (id) WHERE ${ofOwner} ORDER BY k.created_at DESC, k.id`
/** Without an id all of the owner. */
const remove = `WITH gone AS (
    DELETE FROM plinth.api_keys WHERE ${ofOwner} AND ($3::text IS NULL OR id = $3::text) RETURNING id
  ), forgotten AS (DELETE FROM plinth.api_key_uses u USING gone WHERE u.id = gone.id) SELECT id FROM gone`
const use = `INSERT INTO plinth.api_key_uses (id, used_at) VALUES ($1::text, clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at WHERE api_key_uses.used_at < excluded.used_at - $2::text::bigint * interval '1 ms'`

/** Part of the current transaction, when there is one. @returns undefined when the owner has `most` already */
export async function insertKey(
  db: Database,
  { id, hash }: KeyText,
  { owner, name, scopes, tenant, lifetimeMs }: NewApiKey,
  most: number,
): Promise<ApiKey | undefined> {
  const lifetime = lifetimeMs === undefined ? null : String(lifetimeMs)
  const values = [
    id,
    hash.toString('hex'),
    owner.kind,
    owner.id,
    name,
    JSON.stringify(scopes ?? null),
    lifetime,
    String(most),
    tenant ?? null,
  ]
  return db.transaction(async () => {
    await db.read({ text: lock, values: [owner.kind, owner.id] })
    return rowsOf(await db.write({ text: insert, values }, { tables: [keysTable] }))[0]?.apiKey
  })
}

export async function findKey(db: Database, id: string): Promise<ApiKeyRow | undefined> {
  return rowsOf(await db.read({ name: 'plinth_api_key_find', text: find, values: [id] }))[0]
}

/** The newest first. */
export async function listKeys(db: Database, { kind, id }: KeyOwner): Promise<ApiKey[]> {
  return rowsOf(await db.read({ text: list, values: [kind, id] })).map(({ apiKey }) => apiKey)
}

/** @param key  id of the one; all of the owner without it. @returns how many there were */
export async function removeKeys(db: Database, { kind, id }: KeyOwner, key?: string): Promise<number> {
  const { count } = await db.write({ text: remove, values: [kind, id, key ?? null] }, { tables: [keysTable] })
  return count
}

/** Nothing is written when somebody did less than `everyMs` ago. @returns whether it was */
export async function noteUse(db: Database, id: string, everyMs: number): Promise<boolean> {
  const { affected } = await db.write(
    { name: 'plinth_api_key_use', text: use, values: [id, String(everyMs)] },
    { tables: ['"plinth"."api_key_uses"'] },
  )
  return affected > 0
}

function rowsOf(rows: TextRows): ApiKeyRow[] {
  return Array.from({ length: rows.count }, (_, index) => rowOf(textColumns(rows, index)))
}

function rowOf([id, kind, owner, name, scopes, created, expires, used, hash, endsIn, tenant]: (string | null)[]): ApiKeyRow {
  const apiKey: ApiKey = {
    id: id ?? '',
    owner: { kind: kind as KeyOwner['kind'], id: owner ?? '' },
    name: name ?? '',
    scopes: (JSON.parse(scopes ?? 'null') as string[] | null) ?? undefined,
    tenant: tenant ?? undefined,
    createdAt: new Date(Number(created)),
    expiresAt: dateOf(expires),
    usedAt: dateOf(used),
  }
  return { apiKey, hash: Buffer.from(hash ?? '', 'hex'), endsInMs: endsIn == null ? Infinity : Number(endsIn) }
}

function dateOf(milliseconds: string | null | undefined): Date | undefined {
  return milliseconds == null ? undefined : new Date(Number(milliseconds))
}
