// What a request for a tenant is refused. A tenant that there is none of and one of others have the same answer.

import { defineErrors } from '../../core/errors.ts'

export const tenantErrors = defineErrors('AUTH', {
  NOT_A_MEMBER: {
    status: 403,
    summary:
      'A tenant was named, by `X-Tenant` or to act in it from now on, that the caller does not belong to, or that the key is not for. The answer is the same where there is no such tenant.',
    message: () => 'You do not belong to this tenant.',
    hint: () => '`GET /auth/tenants`, without `X-Tenant`, lists those that you belong to.',
  },
})
