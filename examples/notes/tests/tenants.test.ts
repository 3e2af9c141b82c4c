// Nothing of one organization reaches another, whatever is asked.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp, walkTenants } from 'plinth/testing'
import definition from '../api/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

test('no request of one organization sees or changes anything of another', async () => {
  expect(await walkTenants(app)).toEqual([])
}, 120_000)
