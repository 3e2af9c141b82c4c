// A mail server, spoken to by nodemailer; loaded with the first mail.

import type { Transporter } from 'nodemailer'
import type { Transport } from './outbox.ts'

/** A server that does not answer holds up four mails for so long, and no request. */
const timeoutMs = 20_000

/**
 * @param url   `smtp://user:password@host:587`, `smtps://…:465`
 * @param from  sender of every mail
 */
export function smtpTransport(url: string, from: string): Transport & { close(): void } {
  let transporter: Promise<Transporter> | undefined
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      pool: true,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // What a mail says must not make us read files or fetch addresses.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }
  const send: Transport = async (message) => {
    transporter ??= open()
    await (await transporter).sendMail({ from, ...message })
  }
  // A delivery that is still going on then is not finished: a server that stalls would hold up the end of the process.
  return Object.assign(send, { close: () => void transporter?.then((open) => open.close({ force: true })) })
}
