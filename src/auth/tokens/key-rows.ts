// Signing keys in PostgreSQL: the statements, and what they return. Times are PostgreSQL's, as milliseconds from now.

import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'
import type { SigningAlgorithm } from './algorithms.ts'

export interface KeyRow {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly publicKey: Buffer | undefined
  /** Sealed. */
  readonly privateKey: Buffer
  readonly ageMs: number
  /** Until nothing that it signed is accepted any more; Infinity for the current key. */
  readonly endsInMs: number
}

const tables = ['"plinth"."signing_keys"']
const milliseconds = (interval: string): string => `floor(extract(epoch FROM ${interval}) * 1000)::bigint`

const list = {
  name: 'plinth_signing_keys',
  text: `SELECT kid, algorithm, encode(public_key, 'hex'), encode(private_key, 'hex'), ${milliseconds('clock_timestamp() - created_at')},
    ${milliseconds('ends_at - clock_timestamp()')}
    FROM plinth.signing_keys WHERE ends_at IS NULL OR ends_at > clock_timestamp() ORDER BY created_at DESC, kid`,
}

/** Also removes what ended a day ago. Of several processes that replace the same key at once, one does. */
const replace = `WITH removed AS (
    DELETE FROM plinth.signing_keys WHERE ends_at < clock_timestamp() - interval '1 day'
  ), retired AS (
    UPDATE plinth.signing_keys SET ends_at = clock_timestamp() + $6::text::bigint * interval '1 ms'
    WHERE ends_at IS NULL AND kid = $5::text RETURNING kid
  ) INSERT INTO plinth.signing_keys (kid, algorithm, public_key, private_key)
    SELECT $1::text, $2::text, decode($3::text, 'hex'), decode($4::text, 'hex') FROM (SELECT count(*) FROM retired) done
    ON CONFLICT DO NOTHING`

/** The newest first. */
export async function listKeys(db: Database): Promise<KeyRow[]> {
  const rows = await db.read({ ...list, values: [] })
  return Array.from({ length: rows.count }, (_, index) => rowOf(textColumns(rows, index)))
}

export interface NewKeyRow {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly publicKey: Buffer | undefined
  readonly privateKey: Buffer
}

/**
 * Makes a key the current one, unless another has become it.
 *
 * @param current  kid of the key that is replaced; undefined when there is none
 * @param endsInMs how long what that one signed is accepted
 * @returns        whether it is the current key now
 */
export async function replaceKey(db: Database, key: NewKeyRow, current: string | undefined, endsInMs: number): Promise<boolean> {
  const { kid, algorithm, publicKey, privateKey } = key
  const values = [kid, algorithm, publicKey?.toString('hex') ?? null, privateKey.toString('hex'), current ?? null, String(endsInMs)]
  const { affected } = await db.write({ text: replace, values }, { tables })
  return affected > 0
}

/** Ends a key at once: nothing that it signed is accepted any more. @returns false when there is none, or it is over */
export async function endKey(db: Database, kid: string): Promise<boolean> {
  const text = `UPDATE plinth.signing_keys SET ends_at = clock_timestamp()
    WHERE kid = $1::text AND (ends_at IS NULL OR ends_at > clock_timestamp())`
  const { affected } = await db.write({ text, values: [kid] }, { tables })
  return affected > 0
}

function rowOf([kid, algorithm, publicKey, privateKey, age, endsIn]: (string | null)[]): KeyRow {
  return {
    kid: kid ?? '',
    algorithm: algorithm as SigningAlgorithm,
    publicKey: publicKey == null ? undefined : Buffer.from(publicKey, 'hex'),
    privateKey: Buffer.from(privateKey ?? '', 'hex'),
    ageMs: Number(age),
    endsInMs: endsIn == null ? Infinity : Number(endsIn),
  }
}
