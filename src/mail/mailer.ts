// The application's mail: to a server in production; in development and in tests it stays in the process, to be looked at.

import type { Config } from '../core/config.ts'
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
  /** How many mails no server took, or will: those that are on their way or are tried again do not count. */
  readonly lost: number
}

const mostKept = 100

export interface OpenMailer {
  readonly mailer: Mailer
  /** Waits for mails that are on their way, some seconds at most, and hangs up. */
  close(): Promise<void>
}

/** Connects with the first mail, also in an application that is never started, as that of a command. */
export function createMailer({ mail, env }: Config, log: Logger): OpenMailer {
  if (mail.url !== undefined) return sending(mail.url, mail.from, log)
  return { mailer: env === 'production' ? losing(log) : keeping(env === 'development' ? log : undefined), close: async () => {} }
}

function sending(url: string, from: string, log: Logger): OpenMailer {
  const transport = smtpTransport(url, from)
  const outbox = new Outbox({ transport, log })
  const mailer: Mailer = {
    send: (content) => outbox.send(composeMail(content)),
    kept: [],
    get lost() {
      return outbox.lost
    },
  }
  const close = async (): Promise<void> => {
    await outbox.close()
    transport.close()
  }
  return { mailer, close }
}

/** @param log  where mails are shown as well */
function keeping(log: Logger | undefined): Mailer {
  const kept: KeptMail[] = []
  const send = (content: MailContent): void => {
    const message = composeMail(content)
    kept.unshift({ ...message, at: new Date() })
    kept.length = Math.min(kept.length, mostKept)
    log?.info(`mail to ${message.to}: ${message.subject}\n\n${message.text}`)
  }
  return { send, kept, lost: 0 }
}

function losing(log: Logger): Mailer {
  let lost = 0
  const send = (): void => {
    lost += 1
    log.error('a mail was not sent: MAIL_URL is not set')
  }
  return {
    send,
    kept: [],
    get lost() {
      return lost
    },
  }
}
