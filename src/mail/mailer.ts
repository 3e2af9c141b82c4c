// The application's mail: to a server in production; in development and in tests it stays in the process, to be looked at.

import type { Config } from '../core/config.ts'
import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'
import { composeMail, type MailContent, type MailMessage } from './message.ts'
import { Outbox } from './outbox.ts'
import { smtpTransport } from './smtp.ts'

/** A mail that was kept instead of sent. */
export interface KeptMail extends MailMessage {
  readonly at: Date
}

export interface Mailer {
  /** Returns at once, whatever becomes of the mail. Inside a transaction use `app.db.afterCommit(() => app.mail.send(…))`. */
  send(content: MailContent): void
  /** Where mail is kept: the last ones, the newest first. */
  readonly kept: readonly KeptMail[]
}

const mostKept = 100

/** @returns the mailer, and its part in the life of the application */
export function createMailer({ mail, env }: Config, log: Logger): { readonly mailer: Mailer; readonly part: Part } {
  const kept: KeptMail[] = []
  const keep = (message: MailMessage): void => {
    kept.unshift({ ...message, at: new Date() })
    kept.length = Math.min(kept.length, mostKept)
    if (env === 'development') log.info(`mail to ${message.to}: ${message.subject}\n\n${message.text}`)
  }
  const lose = (): void => log.error('a mail was not sent: MAIL_URL is not set')
  if (mail.url === undefined && env === 'production') return { mailer: { send: lose, kept }, part: { name: 'Mail' } }
  if (mail.url === undefined) return { mailer: { send: (content) => keep(composeMail(content)), kept }, part: { name: 'Mail' } }
  const transport = smtpTransport(mail.url, mail.from)
  const outbox = new Outbox({ transport, log })
  const { stop, ...part } = outbox.part()
  const close = async (): Promise<void> => {
    await stop?.()
    transport.close()
  }
  return { mailer: { send: (content) => outbox.send(composeMail(content)), kept }, part: { ...part, stop: close } }
}
