// What happened to accounts and roles, kept in plinth.audit. A failure to write it down is logged and stops nobody from signing in or out.

import { isIP } from 'node:net'
import { currentContext } from '../core/context.ts'
import type { Logger } from '../core/log.ts'
import type { Database } from '../db/database.ts'

/** The field's words: what, by a dot. Secrets are in none of them. */
export type AuditAction =
  | 'account.created'
  | 'account.deleted'
  | 'account.disabled'
  | 'account.enabled'
  | 'email.changed'
  | 'email.verified'
  | 'link.refused'
  | 'password.changed'
  | 'password.reset'
  | 'password.reset_requested'
  | 'reauthentication.failed'
  | 'role.changed'
  | 'role.granted'
  | 'role.revoked'
  | 'session.revoked'
  | 'signing_key.ended'
  | 'signing_key.replaced'
  | 'sign_up.repeated'
  | 'sign_in.failed'
  | 'sign_in.limited'
  | 'sign_in.succeeded'
  | 'sign_out'
  | 'sign_out.everywhere'
  | 'tenant.switched'
  | 'token.reused'
  | 'invitation.sent'
  | 'invitation.accepted'
  | 'key.created'
  | 'key.revoked'
  | 'key.used'
  | 'factor.enabled'
  | 'factor.disabled'
  | 'recovery_code.used'
  | 'passkey.added'
  | 'passkey.removed'
  | 'provider.connected'
  | 'provider.disconnected'

export interface AuditEntry {
  readonly action: AuditAction
  /** Who did it: primary key of a user as text, or the name of a service. Default: whoever signed in for the current request. */
  readonly actor?: string
  /** To whom, when it is somebody else. */
  readonly subject?: string
  /** Default: that of the client of the current request. */
  readonly address?: string
  /** Default: that of the current request. */
  readonly requestId?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** Denials, and whatever else somebody on duty wants to see in the log. */
const alarming: ReadonlySet<AuditAction> = new Set([
  'link.refused',
  'reauthentication.failed',
  'sign_in.failed',
  'sign_in.limited',
  'token.reused',
])

const insert = `INSERT INTO plinth.audit (action, actor, subject, address, request_id, details)
  VALUES ($1::text, $2::text, $3::text, $4::text::inet, $5::text, $6::text::json)`

interface Known {
  readonly actor: string | undefined
  readonly subject: string | undefined
  readonly address: string | undefined
  readonly requestId: string | undefined
  readonly details: object
}

function causeOf({ actor, address, requestId }: Omit<AuditEntry, 'action'>): Pick<Known, 'actor' | 'address' | 'requestId'> {
  const context = currentContext()
  return {
    actor: actor ?? context?.caller.id,
    address: address ?? context?.address,
    requestId: requestId ?? context?.requestId,
  }
}

export class Audit {
  readonly #db: Database
  readonly #log: Logger
  #always: AuditEntry['details'] = {}

  constructor(db: Database, log: Logger) {
    this.#db = db
    this.#log = log
  }

  /** Details of every entry from now on, for what no request is the cause of. */
  addToAll(details: NonNullable<AuditEntry['details']>): void {
    this.#always = { ...this.#always, ...details }
  }

  /** Part of the current transaction, when there is one: what is rolled back did not happen. Never rejects outside of one. */
  async record({ action, subject, details, ...from }: AuditEntry): Promise<void> {
    const { actor, address, requestId } = causeOf(from)
    await this.#record(action, { actor, subject: subject ?? from.actor, address, requestId, details: { ...this.#always, ...details } })
  }

  async #record(action: AuditAction, { actor, subject, address, requestId, details }: Known): Promise<void> {
    if (alarming.has(action)) this.#log.warn({ event: action, actor, subject, address, ...details }, `security: ${action}`)
    const written = write(this.#db, action, { actor, subject, address, requestId, details })
    if (this.#db.isInTransaction()) await written
    else await written.catch((err: unknown) => this.#log.error({ err, action }, 'an entry of the audit was not written'))
  }
}

/** Part of the current transaction, for who has no `Audit`. The subject is who it says, and nobody else. */
export async function recordIn(db: Database, { action, subject, details = {}, ...from }: AuditEntry): Promise<void> {
  await write(db, action, { ...causeOf(from), subject, details })
}

function write(db: Database, action: AuditAction, { actor, subject, address, requestId, details }: Known): Promise<unknown> {
  // An address of this link alone has the name of its interface behind it, which `inet` does not take: `fe80::1%eth0`.
  const [plain = ''] = address?.split('%') ?? []
  const known = isIP(plain) === 0 ? null : plain
  const values = [action, actor ?? null, subject ?? null, known, requestId ?? null, JSON.stringify(details)]
  return db.write({ text: insert, values }, { tables: ['"plinth"."audit"'] })
}
