// What second factors, passkeys and other ways to sign in refuse.

import { defineErrors } from '../core/errors.ts'

export const factorErrors = defineErrors('AUTH', {
  WRONG_CODE: {
    status: 403,
    summary: 'The code of the second factor is wrong, was used before, or is of another time; or the recovery code is none.',
    message: () => 'The code is wrong.',
    hint: () => 'Codes are good for half a minute and once. Wait for the next one.',
  },
  WRONG_PASSKEY: {
    status: 403,
    summary:
      'What a passkey has signed is not accepted, or the passkey is not known. What is wrong with it stands in the log and nowhere else.',
    message: () => 'The passkey is not accepted.',
    hint: () => 'Begin again: what is to be signed is good for five minutes and once.',
  },
  FACTOR_IS_ON: {
    status: 409,
    summary: 'A second factor is to be set up, and there is one. It is switched off first.',
    message: () => 'There is a second factor already.',
    hint: () => 'Switch it off first.',
  },
})
