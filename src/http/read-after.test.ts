import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { testServer } from '../../test/support/http-server.ts'
import { readConfig } from '../core/env.ts'
import type { Database } from '../db/database.ts'
import { addReadAfter } from './read-after.ts'

/** What the answer to a write says when the database gives this token. */
async function told(token: string, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const { app } = testServer()
  onTestFinished(() => app.close())
  const db: Pick<Database, 'readAfter'> = { readAfter: async () => token }
  addReadAfter(app, db as Database, readConfig({ APP_ENV: 'testing', ...env }, tmpdir()))
  app.post('/write', async ({ exchange }) => {
    if (exchange !== null) exchange.lastWrite = 1
    return {}
  })
  const { headers } = await app.inject({ method: 'POST', url: '/write' })
  return { 'x-read-after': headers['x-read-after'], 'set-cookie': headers['set-cookie'] }
}

test('a browser keeps the position of its write until it is closed', async () => {
  expect(await told('1-2a')).toEqual({
    'x-read-after': '1-2a',
    'set-cookie': 'plinth_read_after=1-2a; Path=/; HttpOnly; SameSite=Lax',
  })
})

test('a browser whose write is in doubt reads from the primary until the doubt is over and replicas have caught up', async () => {
  const env = { DB_STATEMENT_TIMEOUT: '5s', DB_CONNECT_TIMEOUT: '2s', DB_REPLICA_MAX_LAG: '4s' }
  expect(await told('primary', env)).toEqual({
    'x-read-after': 'primary',
    'set-cookie': 'plinth_read_after=primary; Path=/; HttpOnly; SameSite=Lax; Max-Age=11',
  })
})
