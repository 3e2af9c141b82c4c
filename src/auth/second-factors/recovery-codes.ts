// Codes for the day on which the telephone is lost: ten, each good once. Kept as hashes with a key, so that who reads the database cannot try them.

import { createHmac, randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'

const howMany = 10
/** Without those that people mix up: 32 letters and digits. */
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const tables = ['"plinth"."recovery_codes"']

/** 80 bits: `ABCD-EFGH-JKLM-NPQR`. */
function newCode(): string {
  const letters = Array.from(randomBytes(16), (byte) => alphabet[byte % alphabet.length]).join('')
  return letters.replace(/.{4}(?=.)/g, '$&-')
}

/** As people write it: in any case, with and without the dashes. */
function hashOf(key: Buffer, user: string, code: string): string {
  const plain = code.toUpperCase().replaceAll(/[-\s]/g, '')
  return createHmac('sha256', key).update(`${user}\n${plain}`).digest('hex')
}

/** In the place of those that the user has. Part of the current transaction. @returns the codes, which cannot be found out afterwards */
export async function replaceRecoveryCodes(db: Database, user: string, key: Buffer): Promise<string[]> {
  const codes = Array.from({ length: howMany }, newCode)
  await db.write({ text: 'DELETE FROM plinth.recovery_codes WHERE user_id = $1::text', values: [user] }, { tables })
  const text = `INSERT INTO plinth.recovery_codes (user_id, hash) SELECT $1::text, decode(hash, 'hex') FROM string_to_table($2::text, ',') hash`
  await db.write({ text, values: [user, codes.map((code) => hashOf(key, user, code)).join(',')] }, { tables })
  return codes
}

/** Of two that come with the same code, one gets nothing. @returns whether it was one of the user's; it is gone now */
export async function useRecoveryCode(db: Database, user: string, code: string, key: Buffer): Promise<boolean> {
  const text = `DELETE FROM plinth.recovery_codes WHERE user_id = $1::text AND hash = decode($2::text, 'hex')`
  const { affected } = await db.write({ text, values: [user, hashOf(key, user, code)] }, { tables })
  return affected > 0
}

export async function countRecoveryCodes(db: Database, user: string): Promise<number> {
  const rows = await db.read({ text: 'SELECT count(*) FROM plinth.recovery_codes WHERE user_id = $1::text', values: [user] })
  return Number(textColumns(rows, 0)[0])
}
