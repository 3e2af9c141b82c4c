// What a policy refuses, in the words that a client is told.

import { defineErrors } from '../core/errors.ts'

export const policyErrors = defineErrors('AUTH', {
  REQUIRED: {
    status: 401,
    summary: 'Nobody has signed in, and whoever has might be let.',
    message: () => 'Sign in to do this.',
    hint: () => 'Send a token: Authorization: Bearer …',
  },
  FORBIDDEN: {
    status: 403,
    summary: 'The caller may not do this, or not with this record. `details` names fields that say more than the caller may.',
    message: (fields: readonly string[] = []) =>
      fields.length === 0
        ? 'You may not do this.'
        : `You may not have a record with ${fields.length === 1 ? 'this' : 'these'} ${fields.map((field) => `"${field}"`).join(', ')}.`,
  },
  TENANT_REQUIRED: {
    status: 403,
    summary:
      'What was asked for belongs to a tenant, and the request acts in none: the caller belongs to none, or to several and has chosen none.',
    message: () => 'Say which tenant you mean.',
    hint: () => 'Send its key: X-Tenant: …',
  },
})

/** RFC 9110, 11.6.1: a 401 says how to sign in. */
export function signInRequired() {
  return policyErrors.REQUIRED().with({ headers: { 'www-authenticate': 'Bearer' } })
}
