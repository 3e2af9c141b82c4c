// What is kept for one tenant is given to no other, whichever way it is kept, though the same words ask for it.

import { anyone, defineApp, defineResource, where } from 'plinth'
import { expect, test } from 'vitest'
import { actAs, header } from '../../../test/support/act-as.ts'
import { cachedApps } from '../../../test/support/cached-app.ts'
import { redisServer, until } from '../../../test/support/redis.ts'
import {
  callers,
  comments,
  models,
  type Name,
  note_tags,
  notes,
  projects,
  seed,
  tags,
  takeWallDown,
  users,
} from '../../../test/support/tenancy.ts'

const caches = { verified: '5m', near: { ttl: '5m', near: '1m' }, fenced: { ttl: '5m', mode: 'fenced' } } as const

async function open(mode: keyof typeof caches, wall: 'up' | 'down' = 'down') {
  const [cache, tenant, access] = [caches[mode], 'organization_id', { read: anyone, write: anyone }] as const
  const definition = defineApp({
    name: 'cached-tenants',
    models,
    resources: [
      defineResource(notes, { tenant, access, cache, search: ['title'] }),
      defineResource(notes, { name: 'mine', tenant, access: { read: where((who) => ({ author_id: who.id })) }, cache }),
      defineResource(projects, { tenant, access, cache }),
      defineResource(tags, { tenant, access, cache }),
      defineResource(note_tags, { tenant, access }),
      defineResource(comments, { access, cache: caches[mode === 'fenced' ? 'verified' : mode] }),
      defineResource(users, { access, cache: caches[mode === 'fenced' ? 'verified' : mode] }),
    ],
  })
  const environment: Record<string, string> = mode === 'fenced' ? { REDIS_URL: (await redisServer()).url, REDIS_BUDGET: '1s' } : {}
  const [app] = await cachedApps(definition, { count: 1, environment })
  if (app === undefined) throw new Error('There is no application.')
  actAs(app.app, callers)
  if (mode === 'fenced') await seed(app.app, `call plinth.open_unfenced('1 hour')`)
  if (wall === 'down') await takeWallDown(app.app)
  await seed(app.app)
  if (mode === 'fenced') {
    await seed(app.app, 'select plinth.close_unfenced()')
    await until(() => app.app.cache?.fenced?.isOn(), 20_000)
  }
  const get = async (name: Name, path: string) => {
    const { status, body, headers } = await app.get(path, { [header]: name })
    return { status, code: body.code, data: body.data, meta: body.meta, from: headers['x-cache'], etag: headers['etag'] }
  }
  return { app, get }
}

test('who asks for a record of another tenant keeps nobody from the cache who asks for their own', async () => {
  const { get } = await open('verified', 'up')
  await expect.poll(async () => (await get('north', '/api/notes/1')).from).toBe('hit')
  const asked: unknown[] = []
  for (let time = 0; time < 10; time += 1) {
    const strangers = [get('south', '/api/notes/1'), get('south', '/api/notes/1')]
    asked.push((await get('north', '/api/notes/1')).from)
    await Promise.all(strangers)
  }
  expect(asked).toEqual(Array.from({ length: 10 }, () => 'hit'))
})

test.each(['verified', 'near', 'fenced'] as const)('%s', async (mode) => {
  const { app, get } = await open(mode)
  const ids = async (name: Name, path: string) => (await get(name, path)).data?.map(({ id }: { id: number }) => id)
  for (const round of ['miss', 'hit', 'again']) {
    for (const [path, north, south] of [
      ['/api/notes?sort=id', [1, 3], [2, 4]],
      ['/api/notes?filter[slug]=a', [1], [2]],
      ['/api/notes?search=plan', [1], [2]],
      ['/api/mine?sort=id', [1, 3], [4]],
      ['/api/comments?filter[note.title][starts]=plan', [1], [2]],
    ] as const) {
      expect(await ids('north', path), `${round} ${path}`).toEqual(north)
      expect(await ids('adaInSouth', path), `${round} ${path}`).toEqual(south)
      expect([401, 400]).toContain((await get('nobody', path)).status)
      expect([403, 400]).toContain((await get('homeless', path)).status)
    }
    expect((await get('north', '/api/notes?count=exact')).meta.total).toBe(2)
    for (const path of ['/api/notes/1', '/api/mine/1']) {
      expect([(await get('north', path)).status, (await get('adaInSouth', path)).status, (await get('homeless', path)).status]).toEqual([
        200, 404, 403,
      ])
      expect((await get('nobody', path)).status).toBe(401)
    }
    expect((await get('north', '/api/comments/2?include=note')).data.note).toBeNull()
    expect((await get('south', '/api/comments/2?include=note')).data.note).toMatchObject({ id: 2 })
    expect((await get('north', '/api/users/1?include=notes')).data.notes).toHaveLength(2)
    expect((await get('adaInSouth', '/api/users/1?include=notes')).data.notes).toHaveLength(1)
    expect((await get('nobody', '/api/users/1?include=notes')).code).toBe('RESOURCE_UNKNOWN_RELATION')
    expect((await get('north', '/api/tags?include=notes')).data).toMatchObject([{ id: 1, notes: [{ id: 1 }] }])
    expect((await get('south', '/api/tags?include=notes')).data).toMatchObject([{ id: 2, notes: [{ id: 2 }] }])
  }
  expect((await get('north', '/api/notes?sort=id')).from).toMatch(/hit|near/)
  const { etag } = await get('north', '/api/notes?sort=id')
  expect((await app.get('/api/notes?sort=id', { [header]: 'south', 'if-none-match': String(etag) })).status).toBe(200)
  expect((await app.get('/api/notes?sort=id', { [header]: 'north', 'if-none-match': String(etag) })).status).toBe(304)
  if (mode === 'near') return // for as long as `near` says
  await app.app.resource('notes').patch(3, { organization_id: 2 })
  expect([await ids('north', '/api/notes?sort=id'), await ids('south', '/api/notes?sort=id')]).toEqual([[1], [2, 3, 4]])
  expect([(await get('north', '/api/notes/3')).status, (await get('south', '/api/notes/3')).status]).toEqual([404, 200])
})
