// Which accounts at other sites belong to which user: the statements, and what they return.

import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'

/** Who somebody is at another site. */
export interface OtherAccount {
  readonly issuer: string
  readonly subject: string
}

export interface Connection {
  /** As the application names it. */
  readonly provider: string
  readonly createdAt: Date
}

const tables = ['"plinth"."oauth_accounts"']

export async function findConnected(db: Database, { issuer, subject }: OtherAccount): Promise<string | undefined> {
  const text = 'SELECT user_id FROM plinth.oauth_accounts WHERE issuer = $1::text AND subject = $2::text'
  const rows = await db.read({ text, values: [issuer, subject] })
  return rows.count === 0 ? undefined : (textColumns(rows, 0)[0] ?? undefined)
}

/** Part of the current transaction. @returns whose it is now: somebody else's, when that one was first */
export async function connect(db: Database, account: OtherAccount, user: string, provider: string): Promise<string | undefined> {
  const text = `INSERT INTO plinth.oauth_accounts (issuer, subject, user_id, provider)
    VALUES ($1::text, $2::text, $3::text, $4::text) ON CONFLICT DO NOTHING`
  await db.write({ text, values: [account.issuer, account.subject, user, provider] }, { tables })
  return findConnected(db, account)
}

export async function listConnections(db: Database, user: string): Promise<Connection[]> {
  const text = `SELECT provider, floor(extract(epoch FROM created_at) * 1000)::bigint FROM plinth.oauth_accounts WHERE user_id = $1::text ORDER BY created_at`
  const rows = await db.read({ text, values: [user] })
  return Array.from({ length: rows.count }, (_, index) => {
    const [provider, created] = textColumns(rows, index)
    return { provider: provider ?? '', createdAt: new Date(Number(created)) }
  })
}

/** @param provider  all of the user without it. @returns how many there were */
export async function disconnect(db: Database, user: string, provider?: string): Promise<number> {
  const text = 'DELETE FROM plinth.oauth_accounts WHERE user_id = $1::text AND ($2::text IS NULL OR provider = $2::text)'
  const { affected } = await db.write({ text, values: [user, provider ?? null] }, { tables })
  return affected
}
