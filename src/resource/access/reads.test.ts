// What callers see through REST: rows, fields and relations of which they may know nothing are as if they were not there.

import { any, anyone, anonymousCaller, defineApp, defineResource, owner, role, where } from 'plinth'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { actAs, header, user } from '../../../test/support/act-as.ts'
import { watchReads } from '../../../test/support/cached-app.ts'
import { articles, models, newsroom, seedSql } from '../../../test/support/newsroom.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

const callers = {
  ada: user(1),
  alan: user(2),
  grace: user(3, { roles: ['editor'] }),
  reader: user(1, { scopes: ['owned:read'] }),
  robot: { ...anonymousCaller, kind: 'service', id: '1' } as const,
}
type Name = keyof typeof callers | 'nobody'

describe.each(testDatabases())('reads on $name', ({ url }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(newsroom, { url })
    actAs(app.app, callers)
    await app.app.db.query(seedSql)
  })
  afterAll(() => app.close())

  const get = (name: Name, path: string) => app.get(path, name === 'nobody' ? {} : { [header]: name })
  const ids = async (name: Name, path: string) => {
    const { status, body } = await get(name, path)
    return status === 200 ? body.data.map(({ id }: { id: number }) => id) : status
  }

  test('a list has the rows of its caller, also in its total, and counts no others', async () => {
    expect(await ids('ada', '/api/either?sort=id')).toEqual([1, 2, 3, 6])
    expect(await ids('alan', '/api/either?sort=id')).toEqual([1, 3, 5, 6])
    expect(await ids('nobody', '/api/either?sort=id')).toEqual([1, 3, 6])
    expect((await get('alan', '/api/either?count=exact&page[size]=1')).body.meta.total).toBe(4)
    expect((await get('alan', '/api/either?count=exact&page[number]=9')).body.meta.total).toBe(4)
  })

  test('a record that the caller may not see is answered as one that does not exist, by the same statement', async () => {
    const texts = watchReads(app.app.db)
    const [hidden, missing] = [await get('ada', '/api/owned/4'), await get('ada', '/api/owned/999')]
    const [first, second, ...more] = texts()
    expect([hidden.status, hidden.body]).toEqual([404, missing.body])
    expect([first, more]).toEqual([second, []])
    expect(hidden.body.code).toBe('RESOURCE_NOT_FOUND')
  })

  test('callers who differ in their key alone share the text of their statements, and nothing of their answers', async () => {
    const texts = watchReads(app.app.db)
    expect(await ids('ada', '/api/owned?sort=id&filter[status]=draft')).toEqual([2])
    expect(await ids('alan', '/api/owned?sort=id&filter[status]=draft')).toEqual([5])
    const [first, second] = texts()
    expect(first).toBe(second)
    expect(first).not.toMatch(/'/)
  })

  test('who has not signed in is told to, and who may not whatever the row is refused', async () => {
    const { status, headers, body } = await get('nobody', '/api/owned')
    expect([status, headers['www-authenticate'], body.code]).toEqual([401, 'Bearer', 'AUTH_REQUIRED'])
    const refused = await get('ada', '/api/editors/1')
    expect([refused.status, refused.body.code]).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(await ids('robot', '/api/owned')).toEqual(403)
  })

  test('a field that the caller may not see is answered as one that does not exist', async () => {
    expect((await get('ada', '/api/open/1')).body.data).not.toHaveProperty('fee')
    expect((await get('grace', '/api/open/1')).body.data).toMatchObject({ fee: 5 })
    const named = (path: string) => get('ada', path).then(({ status, text }) => [status, text.replaceAll('fxx', 'fee')])
    for (const query of ['filter[fee]=5', 'sort=-fee', 'fields=id,fee', 'filter[or][0][fee][gte]=1', 'filter[author.fee]=1']) {
      const [status, text] = await named(`/api/open?${query}`)
      expect([status, text], query).toEqual(await named(`/api/open?${query.replace('fee', 'fxx')}`))
      expect(status, query).toBe(400)
    }
    expect((await get('ada', '/api/open?filter[author.salary]=10')).body.code).toBe('RESOURCE_UNKNOWN_FIELD')
    expect(await ids('grace', '/api/open?filter[author.salary]=10&sort=id')).toEqual([1, 2])
  })

  test('what relations reach is what the caller would be shown of it: in includes, filters, sorts and what is absent', async () => {
    const lines = async (name: Name, path: string) => {
      const { body } = await get(name, path)
      return body.data.map((one: { id: number; comments: { line: string }[] }) => [one.id, one.comments.map(({ line }) => line).toSorted()])
    }
    expect(await lines('nobody', '/api/open?include=comments&sort=id&page[size]=3')).toEqual([
      [1, ['c1']],
      [2, ['c3']],
      [3, []],
    ])
    expect(await lines('alan', '/api/open?include=comments&sort=id&page[size]=3')).toEqual([
      [1, ['c1', 'c2']],
      [2, ['c3']],
      [3, []],
    ])
    expect(await ids('nobody', '/api/open?filter[comments.line]=c2')).toEqual([])
    expect(await ids('alan', '/api/open?filter[comments.line]=c2')).toEqual([1])
    expect(await ids('nobody', '/api/open?filter[comments][null]=true&sort=id')).toEqual([3, 5, 6])
    // Article 2 is a draft of Ada: for others the comment on it has no article.
    expect((await get('alan', '/api/comments/3?include=article')).body.data.article).toBeNull()
    expect((await get('ada', '/api/comments/3?include=article')).body.data.article).toMatchObject({ title: 'beta two' })
    expect(await ids('nobody', '/api/comments?sort=article.title,id')).toEqual([1, 3, 5])
    expect(await ids('ada', '/api/comments?sort=article.title,id')).toEqual([1, 4, 3, 5])
    expect(await ids('nobody', '/api/comments?filter[article.title][starts]=beta')).toEqual([])
    expect((await get('nobody', '/api/open?include=organization')).body.code).toBe('RESOURCE_UNKNOWN_RELATION')
    expect((await get('ada', '/api/open/1?include=organization')).body.data.organization).toEqual({ id: 1, name: 'North' })
    expect((await get('alan', '/api/open/1?include=organization')).body.data.organization).toBeNull()
  })

  test('a tag shows those of its articles that the caller may see, over the association', async () => {
    const titles = async (name: Name) =>
      (await get(name, '/api/tags?include=articles&sort=id')).body.data.map((tag: { articles: { title: string }[] }) =>
        tag.articles.map(({ title }) => title),
      )
    expect(await titles('nobody')).toEqual([['alpha one'], ['alpha three']])
    expect(await titles('ada')).toEqual([['alpha one', 'beta two'], ['alpha three']])
  })

  test('a search finds nothing of others, and a cursor pages through what is the caller’s own', async () => {
    expect(await ids('ada', '/api/owned?search=alpha')).toEqual([1])
    const first = await get('ada', '/api/either?sort=-title&page[size]=2')
    const second = await get('ada', `/api/either?sort=-title&page[size]=2&page[after]=${first.body.meta.page.next}`)
    expect([first, second].map(({ body }) => body.data.map(({ title }: { title: string }) => title))).toEqual([
      ['beta two', 'alpha three'],
      ['alpha six', 'alpha one'],
    ])
    expect(second.body.meta.page.has_more).toBe(false)
  })

  test('a key reads what its scopes name, and what anyone may', async () => {
    expect(await ids('reader', '/api/owned?sort=id')).toEqual([1, 2])
    expect(await ids('reader', '/api/signed')).toEqual(403)
    expect(await ids('reader', '/api/open')).toHaveLength(6)
    expect((await app.delete('/api/owned/1', undefined, { [header]: 'reader' })).body.code).toBe('AUTH_FORBIDDEN')
  })

  test('code of the application sees everything, and as a caller what that caller sees', async () => {
    const owned = app.app.resource('owned')
    expect((await owned.list()).records).toHaveLength(6)
    expect((await owned.as(callers.ada).list()).records.map(({ id }) => id)).toEqual([1, 2])
    expect(await owned.as(callers.ada).get(4)).toBeUndefined()
    await expect(owned.as(anonymousCaller).list()).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    await expect(owned.as(callers.ada).patch(4, { title: 'x' })).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
    expect(await owned.as(callers.ada).as(callers.alan).get(3)).toMatchObject({ title: 'alpha three' })
  })

  test('the default order shows nothing that the caller may not see', async () => {
    const resource = defineResource(articles, { access: { read: anyone, fields: { fee: role('editor') } }, sort: '-fee' })
    const other = await testApp(defineApp({ name: 'x', models, resources: [resource] }), { url })
    onTestFinished(() => other.close())
    actAs(other.app, callers)
    await other.app.db.query(seedSql)
    const order = async (headers = {}) => (await other.get('/api/articles', headers)).body.data.map(({ id }: { id: number }) => id)
    expect(await order()).toEqual([6, 5, 4, 3, 2, 1])
    expect(await order({ [header]: 'grace' })).toEqual([6, 1, 2, 3, 4, 5])
  })

  test('a relation over an association with a resource shows what that shows, one over a hidden key is none', async () => {
    const { article_tags, comments, tags, users } = models
    const red = where(() => ({ tag_id: 1 }))
    const resources = [
      defineResource(articles, { access: { read: anyone, fields: { author_id: role('editor') } } }),
      defineResource(tags, { access: { read: anyone } }),
      defineResource(users, { access: { read: anyone } }),
      defineResource(comments, { access: { read: anyone } }),
      defineResource(article_tags, { access: { read: any(red, role('editor')), write: anyone } }),
    ]
    const other = await testApp(defineApp({ name: 'x', models, resources }), { url })
    onTestFinished(() => other.close())
    actAs(other.app, callers)
    await other.app.db.query(seedSql)
    const ask = async (path: string, name = '') => (await other.get(path, { [header]: name })).body
    const namesIn = (body: { data: { tags: { name: string }[] }[] }) => body.data.map((one) => one.tags.map(({ name }) => name).join())
    expect(namesIn(await ask('/api/articles?include=tags&sort=id'))).toEqual(['red', 'red', '', '', '', ''])
    expect(namesIn(await ask('/api/articles?include=tags&sort=id', 'grace'))).toEqual(['red', 'red', 'blue', 'blue', '', ''])
    expect((await ask('/api/articles?filter[tags.name]=blue')).data).toEqual([])
    for (const path of [
      '/api/articles?include=author',
      '/api/articles?filter[author.name]=Ada',
      '/api/users?include=articles',
      '/api/users?filter[articles.title]=x',
    ])
      expect((await ask(path)).code, path).toBe('RESOURCE_UNKNOWN_RELATION')
    expect((await ask('/api/articles/1?include=author', 'grace')).data.author).toMatchObject({ name: 'Ada' })
  })

  test('a condition that fails lets nobody in', async () => {
    const broken = where(({ roles }) => {
      if (roles.includes('editor')) throw new Error('a mistake in the application')
      return true
    })
    const resources = [defineResource(articles, { access: { read: broken } })]
    const other = await testApp(defineApp({ name: 'x', models, resources }), { url })
    onTestFinished(() => other.close())
    actAs(other.app, callers)
    await other.app.db.query(seedSql)
    expect((await other.get('/api/articles', { [header]: 'ada' })).body.data).toHaveLength(6)
    expect(await other.get('/api/articles', { [header]: 'grace' })).toMatchObject({ status: 500, body: { code: 'CORE_INTERNAL' } })
  })

  test('what is not known of a caller is met by no row, also where it is denied', async () => {
    const mine = where((who) => ({ author_id: who.id }))
    const { not } = await import('plinth')
    const resources = [
      defineResource(articles, { name: 'mine', access: { read: mine } }),
      defineResource(articles, { name: 'not_mine', access: { read: not(mine) } }),
      defineResource(articles, { name: 'not_owned', access: { read: not(owner('author_id')) } }),
    ]
    const other = await testApp(defineApp({ name: 'x', models, resources }), { url })
    onTestFinished(() => other.close())
    actAs(other.app, { ada: user(1), odd: user('one') })
    await other.app.db.query(seedSql)
    const found = async (path: string, name = '') => {
      const { status, body } = await other.get(`${path}?sort=id`, { [header]: name })
      return status === 200 ? body.data.map(({ id }: { id: number }) => id) : status
    }
    expect([await found('/api/mine'), await found('/api/not_mine')]).toEqual([401, 401])
    expect([await found('/api/mine', 'odd'), await found('/api/not_mine', 'odd')]).toEqual([403, 403])
    expect([await found('/api/mine', 'ada'), await found('/api/not_mine', 'ada')]).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ])
    expect(await found('/api/not_owned')).toEqual([1, 2, 3, 4, 5, 6])
  })
})
