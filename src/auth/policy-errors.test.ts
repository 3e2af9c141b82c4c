import { expect, test } from 'vitest'
import { policyErrors, signInRequired } from './policy-errors.ts'

test('who has not signed in is told how, and who may not is told no more than the fields he sent himself', () => {
  expect(signInRequired()).toMatchObject({ code: 'AUTH_REQUIRED', status: 401, headers: { 'www-authenticate': 'Bearer' } })
  expect(policyErrors.FORBIDDEN()).toMatchObject({ code: 'AUTH_FORBIDDEN', status: 403, message: 'You may not do this.' })
})
