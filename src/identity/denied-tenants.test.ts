// Whoever names a tenant that is not theirs looks for tenants: the log has them by name, with the tenant that they named and the one they act in.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bearer, Browser, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { temporaryFolder } from '../../test/support/temporary.ts'
import { tenantApp } from '../../test/support/tenant-app.ts'

const nobodys = '00000000-0000-4000-8000-000000000000'

test('by session, token and key, whether the tenant is there or not', async () => {
  const folder = temporaryFolder('denied-tenants')
  const environment = { LOG_DIR: folder, LOG_FORMAT: 'json', LOG_LEVEL: 'warn', PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' }
  const app = await tenantApp(testDatabase().url, {}, [], environment)
  try {
    const [acme, bolt] = [await app.organization('Acme'), await app.organization('Bolt')]
    const id = await app.user('ann@example.com', acme)
    const browser = await new Browser(app).enter('ann@example.com')
    const program = bearer((await tokensOf(app, 'ann@example.com')).access_token)
    const keys = app.app.auth?.ways.apiKeys
    const made = await keys?.create({ owner: { kind: 'user', id }, name: 'x', scopes: ['*'], tenant: acme })
    const service = await keys?.create({ owner: { kind: 'service', id: 'billing' }, name: 'y', scopes: ['*'], tenant: acme })
    for (const named of [bolt, nobodys]) {
      const headers = { 'x-tenant': named }
      const replies = [
        await browser.send('GET', '/who', undefined, headers),
        await app.get('/who', { ...program, ...headers }),
        await app.get('/who', { ...bearer(made?.key ?? ''), ...headers }),
        await app.get('/who', { ...bearer(service?.key ?? ''), ...headers }),
        await browser.send('PUT', '/auth/tenant', { tenant: named }),
      ]
      expect(replies.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
    }
    expect((await app.get('/who', { ...program, 'x-tenant': 'x'.repeat(1_000) })).status).toBe(403)
    await app.close()
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
    const denied = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'access.denied')
    const entry = { caller: id, session: expect.any(String), tenant: acme }
    const all = (namedTenant: string) => [
      { ...entry, namedTenant },
      { ...entry, namedTenant },
      { ...entry, namedTenant, session: `key:${made?.apiKey.id}` },
      { ...entry, namedTenant, session: `key:${service?.apiKey.id}`, caller: 'billing' },
      { ...entry, namedTenant, route: '/auth/tenant' },
    ]
    expect(denied).toMatchObject([...all(bolt), ...all(nobodys), { ...entry, namedTenant: 'x'.repeat(200) }])
    expect(JSON.stringify(denied)).not.toContain(made?.key)
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
})
