// What second factors, passkeys and other ways to sign in refuse.

import { defineErrors } from '../core/errors.ts'

export const factorErrors = defineErrors('AUTH', {
  CODE_REQUIRED: {
    status: 403,
    summary: 'The password is right, and the account has a second factor, whose code was not sent.',
    message: () => 'A code of the second factor is needed.',
    hint: () => 'Send the same with `code`: six digits of the telephone, or a recovery code.',
  },
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
  UNKNOWN_PROVIDER: {
    status: 404,
    summary: 'Signing in by another site was asked for, and the application names no such provider.',
    message: () => 'There is no such way to sign in.',
  },
  PROVIDER_REFUSED: {
    status: 403,
    summary:
      'The other site did not say who it is, or what it said is not accepted. What is wrong with it stands in the log and nowhere else.',
    message: () => 'Signing in by the other site did not succeed.',
    hint: () => 'Begin again.',
  },
  PROVIDER_UNAVAILABLE: {
    status: 503,
    summary: 'The other site did not answer.',
    message: () => 'The other site cannot be asked at the moment.',
    hint: () => 'Try again in a moment.',
  },
  ADDRESS_NOT_CONFIRMED: {
    status: 403,
    summary: 'The other site has not confirmed the e-mail address of its account, so no account is made or found by it.',
    message: () => 'The other site has not confirmed the e-mail address.',
    hint: () => 'Confirm the address there, or sign up here.',
  },
  ACCOUNT_EXISTS: {
    status: 409,
    summary:
      'There is an account with this e-mail address, and the other site is not trusted with it, or the account has a password, a passkey or another site already, or is not confirmed. It is not handed over because another site says so.',
    message: () => 'There is an account with this e-mail address.',
    hint: () => 'Sign in to it as usual, and connect the other site there.',
  },
  SIGN_UP_CLOSED: {
    status: 403,
    summary: 'Nobody has an account yet for what the other site says, and the application makes none.',
    message: () => 'There is no account, and none is made.',
  },
  UNKNOWN_CREDENTIAL: {
    status: 404,
    summary: 'The caller has no such key, passkey or connection to another site.',
    message: () => 'There is no such credential.',
  },
  PASSWORD_NEEDED: {
    status: 422,
    summary: 'An invitation was accepted for an address without a confirmed account, and no password was chosen.',
    message: () => 'A password has to be chosen.',
  },
  SIGN_IN_AGAIN: {
    status: 403,
    summary:
      'A key, a passkey, another site or a second factor is to be added, and the sign-in with password or passkey was more than ten minutes ago.',
    message: () => 'This needs a sign-in of the last ten minutes, with password or passkey.',
    hint: () => 'Sign in again, then send the same.',
  },
  TOO_MANY_KEYS: {
    status: 409,
    summary: 'Another API key is to be made, and its owner has as many as there may be; those that have expired count.',
    message: (most: number) => `There are ${most} keys already.`,
    hint: () => 'Revoke some that are not used any more.',
  },
  TOO_MANY_PASSKEYS: {
    status: 409,
    summary: 'Another passkey is to be kept, and its user has as many as there may be.',
    message: (most: number) => `There are ${most} passkeys already.`,
    hint: () => 'Remove one that is not used any more.',
  },
  FACTOR_IS_ON: {
    status: 409,
    summary: 'A second factor is to be set up, and there is one. It is switched off first.',
    message: () => 'There is a second factor already.',
    hint: () => 'Switch it off first.',
  },
})
