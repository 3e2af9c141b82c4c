// The mail of an invitation. Its token stands behind the # of the link: browsers send that part to nobody, so no server logs it.

import type { MailContent } from '../../mail/message.ts'
import type { MailSetting } from '../accounts/mails.ts'

export function invitationMail({ application, appUrl }: MailSetting, to: string, token: string): MailContent {
  return {
    to,
    subject: `You are invited to ${application}`,
    paragraphs: [`Somebody has invited this address to ${application}. The link is good for a week, once.`],
    link: { label: 'Accept the invitation', url: `${appUrl}/accept-invitation#token=${token}` },
    closing: 'If you do not want to, there is nothing to do.',
  }
}
