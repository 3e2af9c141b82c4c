// What identity refuses, in the words that a client is told. Every fault of a credential has one code: which it was is for the log.

import { defineErrors } from '../core/errors.ts'

export const authErrors = defineErrors('AUTH', {
  WEAK_PASSWORD: {
    status: 422,
    summary: 'The new password is too short, too long, one that everybody tries first, or the address or name of the account.',
    message: (problem: string) => `The password ${problem}.`,
    hint: () => 'A few words that do not belong together make a good one.',
  },
  INVALID_TOKEN: {
    status: 401,
    summary: 'The token, session or key that was shown is not accepted. What is wrong with it stands in the log and nowhere else.',
    message: () => 'The token that was shown is not accepted.',
    hint: () => 'Sign in again.',
  },
  BUSY: {
    status: 503,
    summary: 'More passwords wait to be checked than can be in a few seconds. Nothing was done for this request.',
    message: () => 'Too many people are signing in at once.',
    hint: () => 'Try again in a moment.',
  },
})
