// What listens to a request acts in the tenant of the request, over a real connection, where Node has another context for it.

import type { AddressInfo } from 'node:net'
import { anyone, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { integer, pgTable, serial } from 'plinth/db'
import { testApp } from 'plinth/testing'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/support/redis.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { tenantInForce } from '../core/tenant.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), organization_id: integer().notNull() })

test('a listener that is told of the end of a connection is in no tenant where its request is in none', async () => {
  const heard: string[] = []
  const listening: RoutePlugin = async (fastify) => {
    fastify.get('/heard', async (request) => {
      request.raw.socket.once('close', () => heard.push(tenantInForce()))
      return 'listening'
    })
  }
  const definition = defineApp({
    name: 'heard',
    resources: [defineResource(notes, { tenant: 'organization_id', access: { read: anyone } })],
    routes: [listening],
  })
  const { app, close } = await testApp(definition, { url: testDatabase().url })
  onTestFinished(close)
  await app.fastify.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.fastify.server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}/heard`, { headers: { connection: 'close' } })
  await until(() => heard.length > 0)
  expect(heard).toEqual([''])
})
