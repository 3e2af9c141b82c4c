// What `plinth cache why` asks about is what a request of nobody would look for, also where the cache keeps answers for each tenant.

import { anyone, defineApp, defineResource, where } from 'plinth'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/support/postgres.ts'
import { comments, models, notes, seed } from '../../test/support/tenancy.ts'
import { anonymousCaller } from '../core/caller.ts'
import { runInContext } from '../core/context.ts'
import { testApp } from '../testing/test-app.ts'
import { type CachedRest, readAt } from './cached-address.ts'

const planned = where(() => ({ 'note.title': { starts: 'plan' } }))

test.each(['/api/planned', '/api/planned/1'])('%s', async (address) => {
  const definition = defineApp({
    name: 'addresses',
    models,
    resources: [
      defineResource(notes, { tenant: 'organization_id', access: { read: anyone } }),
      defineResource(comments, { name: 'planned', access: { read: planned }, cache: '5m' }),
    ],
  })
  const { app, close } = await testApp(definition, { url: testDatabase().url })
  onTestFinished(close)
  await seed(app)
  const resource = app.engine.registry.resources.get('planned')
  const rest = { engine: app.engine, resource, format: {}, path: '/api/planned' } as unknown as CachedRest
  const context = { requestId: 'x', startedAt: 0, deadline: Infinity, caller: anonymousCaller }
  const asked = runInContext(context, () => readAt([rest], address)?.read?.key)
  expect(asked).toEqual(expect.any(String))
  expect(readAt([rest], address)?.read?.key).toBe(asked)
  expect(runInContext({ ...context, caller: { ...anonymousCaller, tenant: '1' } }, () => readAt([rest], address)?.read?.key)).toBe(asked)
})
