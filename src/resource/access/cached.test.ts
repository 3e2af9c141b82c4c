// Reads that depend on who asks, from the cache: nobody is given what was made for somebody else, whichever way it is kept.

import { anyone, defineApp, defineResource, member, owner, role } from 'plinth'
import { describe, expect, test } from 'vitest'
import { actAs, header, user } from '../../../test/support/act-as.ts'
import { cachedApps } from '../../../test/support/cached-app.ts'
import { articles, models, organizations, seedSql, users } from '../../../test/support/newsroom.ts'
import { redisServer, until } from '../../../test/support/redis.ts'

const callers = { ada: user(1), alan: user(2), grace: user(3, { roles: ['editor'] }), grant: user(4, { roles: ['editor'] }) }

describe.each(['verified', 'near', 'fenced'] as const)('%s', (mode) => {
  const caches = { verified: '5m', near: { ttl: '5m', near: '1m' }, fenced: { ttl: '5m', mode: 'fenced' } } as const
  const cache = caches[mode]

  async function open() {
    const definition = defineApp({
      name: 'cached',
      models,
      resources: [
        defineResource(articles, { access: { read: owner('author_id'), write: anyone, fields: { fee: role('editor') } }, cache }),
        defineResource(articles, { name: 'staff', access: { read: role('editor') }, cache }),
        defineResource(articles, { name: 'joined', access: { read: member('organization_id') }, cache }),
        defineResource(users, { access: { read: anyone }, cache }),
        defineResource(organizations, { access: { read: anyone } }),
      ],
    })
    const environment: Record<string, string> = mode === 'fenced' ? { REDIS_URL: (await redisServer()).url, REDIS_BUDGET: '1s' } : {}
    const [app] = await cachedApps(definition, { count: 1, environment })
    if (app === undefined) throw new Error('There is no application.')
    actAs(app.app, callers)
    if (mode === 'fenced') await app.db.execute({ text: `call plinth.open_unfenced('1 hour')` })
    await app.db.query(seedSql)
    if (mode === 'fenced') {
      await app.db.query('select plinth.close_unfenced()')
      await until(() => app.app.cache?.fenced?.isOn(), 20_000)
    }
    const get = async (name: keyof typeof callers | '', path: string) => {
      const { status, body, headers } = await app.get(path, name === '' ? {} : { [header]: name })
      return { status, data: body.data, from: headers['x-cache'], vary: headers['vary'], control: headers['cache-control'] }
    }
    return { ...app, get }
  }

  test('each caller has entries of their own, those for whom the policies decide alike share them', async () => {
    const app = await open()
    const list = '/api/articles?sort=id&fields=id'
    for (const _ of ['miss', 'hit']) {
      expect((await app.get('ada', list)).data).toEqual([{ id: 1 }, { id: 2 }])
      expect((await app.get('alan', list)).data).toEqual([{ id: 3 }, { id: 5 }])
      expect((await app.get('ada', '/api/articles/1')).status).toBe(200)
      expect((await app.get('alan', '/api/articles/1')).status).toBe(404)
      expect((await app.get('', '/api/articles/1')).status).toBe(401)
    }
    expect((await app.get('ada', list)).from).toMatch(/hit|near/)
    await app.get('grace', '/api/staff?sort=id')
    expect((await app.get('grant', '/api/staff?sort=id')).from).toMatch(/hit|near/)
    expect(await app.get('ada', '/api/staff?sort=id')).toMatchObject({ status: 403 })
    expect(await app.get('ada', list)).toMatchObject({ vary: 'Authorization, Cookie', control: 'private, no-cache' })
  })

  test('an include shows each caller what is theirs, and is kept for nobody else', async () => {
    const app = await open()
    const path = '/api/users/1?include=articles'
    for (const _ of ['miss', 'hit']) {
      expect((await app.get('ada', path)).data.articles).toHaveLength(2)
      expect((await app.get('alan', path)).data.articles).toHaveLength(0)
      expect((await app.get('', path)).status).toBe(400)
    }
  })

  test('who is no member any more is not given what was kept while they were', async () => {
    const app = await open()
    const path = '/api/joined?sort=id&fields=id'
    for (const _ of ['miss', 'hit'])
      expect((await app.get('ada', path)).data).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }, { id: 6 }])
    expect((await app.get('ada', '/api/joined/2')).status).toBe(200)
    await app.db.query('delete from memberships where user_id = 1 and organization_id = 2')
    if (mode === 'near') return // for as long as `near` says
    expect((await app.get('ada', path)).data).toEqual([{ id: 1 }, { id: 4 }, { id: 6 }])
    expect((await app.get('ada', '/api/joined/2')).status).toBe(404)
  })

  test('a record that changes hands is its new owner’s at once', async () => {
    const app = await open()
    for (const _ of ['miss', 'hit']) expect((await app.get('alan', '/api/articles/3')).status).toBe(200)
    if (mode === 'near') return
    expect((await app.get('ada', '/api/articles/3')).status).toBe(404)
    await app.app.resource('articles').patch(3, { author_id: 1 })
    expect((await app.get('ada', '/api/articles/3')).status).toBe(200)
    expect((await app.get('alan', '/api/articles/3')).status).toBe(404)
  })
})
