// What the HTTP face of identity refuses.

import { defineErrors } from '../core/errors.ts'

export const identityErrors = defineErrors('AUTH', {
  CROSS_SITE: {
    status: 403,
    summary:
      'A request that changes something came with a session cookie, or one began a sign-in, and not from a page of this origin or of one in CORS_ORIGINS. Nothing was done.',
    message: () => 'This request may only come from a page of this site.',
    hint: () => 'Browsers say where a request comes from (Origin, Sec-Fetch-Site). Programs use an access token instead of a cookie.',
  },
  UNKNOWN_SESSION: {
    status: 404,
    summary: 'The caller has no such session.',
    message: () => 'There is no such session.',
  },
})
