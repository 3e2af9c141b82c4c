// What resources of the tables of roles change, in the audit, as what `accounts` gives and takes is.

import type { Database } from '../db/database.ts'
import { readTexts } from './accounts/texts.ts'
import { type AuditEntry, recordIn } from './audit.ts'

export interface RoleChange {
  /** Name of the table. */
  readonly table: string
  readonly operation: 'create' | 'replace' | 'patch' | 'delete' | 'restore'
  /** By column: after the change, or the last of it. */
  readonly record: Readonly<Record<string, unknown>>
  /** Who made it: primary key of a user as text, or the name of a service. */
  readonly actor: string | undefined
}

/** To be called in the transaction of the change. @param given  whether the table says which user has which role */
export async function recordRoleChange(db: Database, change: RoleChange, given: boolean): Promise<void> {
  await recordIn(db, given ? await entryOfUser(db, change) : entryOf(change))
}

async function entryOfUser(db: Database, change: RoleChange): Promise<AuditEntry> {
  const { user_id, role_id } = change.record
  const subject = String(user_id)
  const action = actions[change.operation]
  if (action === undefined) return { ...entryOf(change), subject }
  const [role] = await readTexts(db, { text: 'SELECT name FROM public.roles WHERE id = $1::text::uuid', values: [String(role_id)] })
  return { action, actor: change.actor, subject, details: { role: role?.[0] } }
}

const actions: { readonly [operation in RoleChange['operation']]?: AuditEntry['action'] } = {
  create: 'role.granted',
  restore: 'role.granted',
  delete: 'role.revoked',
}

/** Which permissions a role has, or what it is called. */
function entryOf({ actor, ...details }: RoleChange): AuditEntry {
  return { action: 'role.changed', actor, details }
}
