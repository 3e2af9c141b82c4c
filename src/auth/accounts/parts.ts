// What everything about accounts is made of, put together once.

import type { Logger } from '../../core/log.ts'
import type { Database } from '../../db/database.ts'
import type { Mailer } from '../../mail/mailer.ts'
import type { MailContent } from '../../mail/message.ts'
import type { SessionStore } from '../../state/sessions.ts'
import type { Audit } from '../audit.ts'
import type { Passwords } from '../passwords.ts'
import type { MailSetting } from './mails.ts'
import type { Members } from './members.ts'
import type { Roles } from './roles.ts'
import type { TryLimits } from './try-limits.ts'
import type { Users } from './users.ts'

export interface AccountParts {
  readonly db: Database
  readonly log: Logger
  readonly users: Users
  readonly roles: Roles
  readonly members: Members
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
}

/** Sends a mail after the commit, unless too many have gone to that address lately. Nobody waits for it. */
export function mailLater(parts: AccountParts, content: MailContent): void {
  later(parts, content.to, () => parts.mailer.send(content))
}

/** As much work as a mail, for an address that gets none: it would show in how long the next request takes (0.42 instead of 0.5, measured). */
export function mailNobody(parts: AccountParts, to: string): void {
  later(parts, to, () => undefined)
}

function later(parts: AccountParts, to: string, send: () => void): void {
  parts.db.afterCommit(() => {
    unlessTooMany(parts, to, send).catch((err: unknown) => parts.log.error({ err }, 'a mail was not sent'))
  })
}

async function unlessTooMany({ limits, log }: AccountParts, to: string, send: () => void): Promise<void> {
  if (await limits.mayMail(to)) send()
  else log.warn({ event: 'mail.limited' }, 'a mail was not sent: too many went to that address')
}
