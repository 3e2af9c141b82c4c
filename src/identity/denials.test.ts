// Whoever is turned away is a security event in the log: who, from where, from what and in which request.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bearer, Browser, browserOf, identityApp } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/redis.ts'
import { temporaryFolder } from '../../test/support/temporary.ts'

test('a denial is logged with the caller, the address, the route and the id of the request, and nothing else is', async () => {
  const folder = temporaryFolder('denials')
  const environment = { LOG_LEVEL: 'warn', LOG_DIR: folder, LOG_FORMAT: 'json', PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' }
  const app = await identityApp(testDatabase().url, {}, { environment })
  try {
    const ann = await browserOf(app, 'ann@example.com')
    const stranger = new Browser(app)
    const { id } = (await ann.send('GET', '/auth/me')).body.data
    const replies = [
      await ann.send('POST', '/auth/keys', { name: 'forged' }, { origin: 'https://evil.example' }),
      await stranger.send('GET', '/auth/me'),
      await stranger.send('GET', '/api/notes', undefined, bearer('wrong')),
    ]
    expect(replies.map(({ status }) => status)).toEqual([403, 401, 401])
    expect((await ann.send('GET', '/api/notes/77')).status).toBe(404)
    const { key } = (await ann.send('POST', '/auth/keys', { name: 'program' })).body.data
    const byKey = await stranger.send('GET', '/auth/sessions', undefined, bearer(key))
    expect(byKey.status).toBe(403)
    await until(async () => (await app.app.db.query(`select from plinth.audit where action = 'key.used'`)).length === 1)
    await app.app.stop()
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
    const denied = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'access.denied')
    const entry = { level: 'warn', message: 'security: access denied', method: 'GET', address: stranger.address }
    expect(denied).toMatchObject([
      { ...entry, status: 403, method: 'POST', route: '/auth/keys', address: ann.address, requestId: replies[0]?.headers['x-request-id'] },
      { ...entry, status: 401, route: '/auth/me', requestId: replies[1]?.headers['x-request-id'] },
      { ...entry, status: 401, route: expect.stringContaining('/api/notes'), requestId: replies[2]?.headers['x-request-id'] },
      { ...entry, status: 403, route: '/auth/sessions', caller: id, requestId: byKey.headers['x-request-id'] },
    ])
    expect(denied).toHaveLength(4)
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
})
