// What accounts refuse. Nothing here tells whether an address has an account, except to who has shown that it is his.

import { defineErrors } from '../core/errors.ts'

export const accountErrors = defineErrors('AUTH', {
  INVALID_EMAIL: {
    status: 422,
    summary: 'The e-mail address is not one.',
    message: () => 'The e-mail address is not valid.',
    hint: () => 'It looks like ann@example.com.',
  },
  INVALID_SIGN_UP: {
    status: 422,
    summary: 'A value of a sign-up, beside address and password, does not fit its column. `details` names each.',
    message: () => 'Some values cannot be taken.',
  },
  EMAIL_TAKEN: {
    status: 409,
    summary: 'Code made an account for an address that has one. Sign-up never says so.',
    message: () => 'There is an account with this address.',
  },
  WRONG_CREDENTIALS: {
    status: 401,
    summary: 'The address and the password do not belong together. Whether there is such an account is not said.',
    message: () => 'The e-mail address or the password is wrong.',
  },
  WRONG_PASSWORD: {
    status: 403,
    summary: 'The current password, which is asked for before anything important, is wrong.',
    message: () => 'The current password is wrong.',
  },
  EMAIL_NOT_VERIFIED: {
    status: 403,
    summary: 'The password is right, and nobody has shown yet that the address is his. Another mail was sent.',
    message: () => 'The e-mail address has not been confirmed yet.',
    hint: () => 'Open the link in the mail that was sent.',
  },
  DISABLED: {
    status: 403,
    summary: 'The password is right, and the account was disabled.',
    message: () => 'The account is disabled.',
  },
  INVALID_LINK: {
    status: 400,
    summary: 'The link of a mail was used already, has expired, was replaced by a change of the password, or was never sent.',
    message: () => 'The link is not valid any more.',
    hint: () => 'Ask for another mail.',
  },
  TOO_MANY_TRIES: {
    status: 429,
    summary: 'Too many tries for this account or from this address. A device that signed in to the account before has tries of its own.',
    message: () => 'Too many tries.',
    hint: () => 'Wait, or reset the password.',
  },
  UNKNOWN_ROLE: {
    status: 400,
    summary: 'A role was given to somebody that is not in the table of roles.',
    message: (role: string) => `There is no role "${role}".`,
  },
  INVALID_SETUP: {
    status: 500,
    summary: 'What `auth` of defineApp names cannot be used. The start is refused.',
    message: (problem: string) => `auth: ${problem}.`,
  },
})
