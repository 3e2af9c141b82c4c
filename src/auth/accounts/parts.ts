// What everything about accounts is made of, put together once.

import type { Logger } from '../../core/log.ts'
import type { Database } from '../../db/database.ts'
import type { Mailer } from '../../mail/mailer.ts'
import { composeMail, type MailContent } from '../../mail/message.ts'
import type { SessionStore } from '../../state/sessions.ts'
import type { Audit } from '../audit.ts'
import type { Passwords } from '../passwords.ts'
import type { Memberships } from '../tenants/memberships.ts'
import type { MailSetting } from './mails.ts'
import type { Members } from './members.ts'
import type { Roles } from './roles.ts'
import type { MailKind, TryLimits } from './try-limits.ts'
import type { Users } from './users.ts'

export interface AccountParts {
  readonly db: Database
  readonly log: Logger
  readonly users: Users
  readonly roles: Roles
  readonly members: Members
  /** Of an application with tenants. */
  readonly memberships: Memberships | undefined
  readonly passwords: Passwords
  readonly sessions: SessionStore
  readonly limits: TryLimits
  readonly mailer: Mailer
  readonly mailSetting: MailSetting
  readonly audit: Audit
  /** Whether a user whose address nobody has confirmed may sign in. */
  readonly takesUnverified: boolean
}

/** Where a request comes from. */
export interface Origin {
  readonly address: string
  /** `User-Agent`, shortened. */
  readonly agent: string | undefined
  /** Handle of the session that asks. */
  readonly session?: string | undefined
}

/** Sends a mail after the commit, however many went there: what happened to an account is told its owner in any case. Nobody waits for it. */
export function noticeLater(parts: AccountParts, content: MailContent): void {
  parts.db.afterCommit(() => parts.mailer.send(content))
}

/** Sends a mail that somebody asked for after the commit, unless too many of its kind have gone to that address lately. Nobody waits for it. */
export function mailLater(parts: AccountParts, kind: MailKind, content: MailContent): void {
  later(parts, kind, content.to, () => parts.mailer.send(content))
}

/** As much work as a mail that is not sent, for an address that nobody has: less would show in how long the next request takes (0.42 instead of 0.5, measured). */
export function mailNobody(parts: AccountParts, kind: MailKind, content: MailContent): void {
  later(parts, kind, content.to, () => void composeMail(content))
}

function later(parts: AccountParts, kind: MailKind, to: string, send: () => void): void {
  parts.db.afterCommit(() => {
    unlessTooMany(parts, kind, to, send).catch((err: unknown) => parts.log.error({ err }, 'a mail was not sent'))
  })
}

async function unlessTooMany({ limits, log }: AccountParts, kind: MailKind, to: string, send: () => void): Promise<void> {
  if (await limits.mayMail(kind, to)) send()
  else log.warn({ event: 'mail.limited', kind }, 'a mail was not sent: too many of its kind went to that address')
}
