// What is written to people. Tokens stand behind the # of a link: browsers send that part to nobody, so no server logs it.

import type { MailContent } from '../../mail/message.ts'

/** What mails say of the application. */
export interface MailSetting {
  readonly application: string
  /** Where links lead: `https://shop.example`. */
  readonly appUrl: string
}

type Letter = (setting: MailSetting, to: string, token: string) => MailContent

const ignore = 'If it was not you, there is nothing to do: without this mail nothing happens.'

function linkTo({ appUrl }: MailSetting, path: string, token: string): string {
  return `${appUrl}/${path}#token=${token}`
}

export const verifyEmailMail: Letter = (setting, to, token) => ({
  to,
  subject: `Confirm your address for ${setting.application}`,
  paragraphs: [`Somebody, probably you, signed up for ${setting.application} with this address.`],
  link: { label: 'Confirm the address', url: linkTo(setting, 'verify-email', token) },
  closing: ignore,
})

/** Sign-up answers the same for an address that is known; its owner is told here. */
export function knownAddressMail({ application, appUrl }: MailSetting, to: string): MailContent {
  return {
    to,
    subject: `You have an account at ${application} already`,
    paragraphs: [
      `Somebody, probably you, tried to sign up for ${application} with this address, which has an account already.`,
      'If you have forgotten the password, ask for another one there.',
    ],
    link: { label: application, url: appUrl },
    closing: ignore,
  }
}

export const resetPasswordMail: Letter = (setting, to, token) => ({
  to,
  subject: `Set a new password for ${setting.application}`,
  paragraphs: [`Somebody, probably you, has forgotten the password for ${setting.application}. The link is good for an hour, once.`],
  link: { label: 'Set a new password', url: linkTo(setting, 'reset-password', token) },
  closing: ignore,
})

export const changeEmailMail: Letter = (setting, to, token) => ({
  to,
  subject: `Confirm your new address for ${setting.application}`,
  paragraphs: [`This is to become the address of an account at ${setting.application}. The link is good for an hour, once.`],
  link: { label: 'Confirm the new address', url: linkTo(setting, 'verify-email', token) },
  closing: ignore,
})

/** To the owner, so that a change by somebody else does not go unnoticed. */
export function noticeMail({ application, appUrl }: MailSetting, to: string, what: string): MailContent {
  return {
    to,
    subject: `${application}: ${what}`,
    paragraphs: [`This happened to your account at ${application}: ${what}.`, 'If it was not you, ask for a new password now.'],
    link: { label: application, url: appUrl },
  }
}
