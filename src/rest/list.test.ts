// Lists over HTTP, on every PostgreSQL of the run: filters, order, pages, counts, includes, sparse fields, search.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { countStatements } from '../../test/support/count-statements.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

describe.each(testDatabases())('lists on $name', ({ url }) => {
  let blogApp: TestApp

  beforeAll(async () => {
    blogApp = await testApp(blog(), { url })
    const { db } = blogApp.app
    await db.query(
      `insert into authors (name, email, secret) values ('Ada', 'ada@example.org', 's1'), ('Bob', null, 's2'), ('Cyd "C" \\', 'cyd@example.org', null)`,
    )
    await db.query(`insert into posts (author_id, title, body, status, price, views, labels, extra, featured, published_at)
      select (i % 3) + 1, 'Post ' || i, case when i % 5 = 0 then null else 'Body about ' || case when i % 2 = 0 then 'foxes' else 'dogs' end end,
        (array['draft', 'published', 'archived'])[(i % 3) + 1]::status, case when i % 4 = 0 then null else i * 1.25 end, 9007199254740993 + i,
        case when i % 2 = 0 then array['even', 'a "quoted", one'] else '{}' end, jsonb_build_object('n', i, 'deep', jsonb_build_object('list', jsonb_build_array(1, null))),
        i % 10 = 0, case when i % 6 = 0 then null else timestamptz '2026-01-01 00:00:00.123456+02' + i * interval '1 day' end
      from generate_series(1, 60) i`)
    await db.query(`insert into tags (name) values ('red'), ('green'), ('blue')`)
    await db.query(
      `insert into post_tags (post_id, tag_id) select p, t from generate_series(1, 60) p, generate_series(1, 3) t where (p + t) % 2 = 0`,
    )
    await db.query(
      `insert into comments (post_id, author_id, text, deleted_at) select (i % 20) + 1, (i % 3) + 1, 'Comment ' || i, case when i % 4 = 0 then now() end from generate_series(1, 100) i`,
    )
    await db.query(`insert into ratings (post_id, critic, stars) select p, 'critic ' || p, p % 5 from generate_series(1, 5) p`)
  })
  afterAll(() => blogApp.close())

  const ids = async (query: string): Promise<number[]> => {
    const reply = await blogApp.get(`/api/posts?fields=id&page[size]=200&${query}`)
    expect(reply.status, reply.text).toBe(200)
    return reply.body.data.map((post: { id: number }) => post.id)
  }
  const sql = async (where: string, order = 'id'): Promise<number[]> => {
    const rows = await blogApp.app.db.query<{ id: number }>(`select id from posts p where ${where} order by ${order}`)
    return rows.map((row) => row.id)
  }

  test.each([
    ['filter[id]=7', 'id = 7'],
    ['filter[id][ne]=7', 'id <> 7'],
    ['filter[price][gt]=10.5', 'price > 10.5'],
    ['filter[price][gte]=12.50', 'price >= 12.50'],
    ['filter[price][lt]=5', 'price < 5'],
    ['filter[price][lte]=5', 'price <= 5'],
    ['filter[price][ne]=5', 'price is distinct from 5'],
    ['filter[price][null]=true', 'price is null'],
    ['filter[price][null]=false', 'price is not null'],
    ['filter[price][between]=10,20', 'price between 10 and 20'],
    ['filter[id][in]=1,2,61', 'id in (1, 2)'],
    ['filter[id][nin]=1,2', 'id not in (1, 2)'],
    ['filter[body][nin]=x,y', "body is null or body not in ('x', 'y')"],
    ['filter[title][contains]=OST 1', "title ilike '%ost 1%'"],
    ['filter[title][starts]=post 2', "title ilike 'post 2%'"],
    ['filter[title][ends]=9', "title like '%9'"],
    ['filter[title][contains]=%25', 'false'],
    ['filter[title][contains]=_', 'false'],
    ['filter[status]=published', "status = 'published'"],
    ['filter[featured]=true', 'featured'],
    ['filter[views][gt]=9007199254741023', 'views > 9007199254741023'],
    ['filter[labels][has]=even', "'even' = any(labels)"],
    ['filter[extra][has]={"n":7}', 'id = 7'],
    ['filter[extra][has]={"deep":{"list":[null]}}', 'true'],
    ['filter[published_at][gte]=2026-02-01T00:00:00Z', "published_at >= '2026-02-01 00:00:00+00'"],
    ['filter[author.name]=Ada', 'author_id = 1'],
    ['filter[author.email][null]=true', 'author_id = 2'],
    ['filter[tags.name]=green', 'id in (select post_id from post_tags where tag_id = 2)'],
    ['filter[comments.text][contains]=comment', 'id in (select post_id from comments where deleted_at is null)'],
    [
      'filter[comments.text][starts]=comment 1&filter[comments.author.name]=Bob',
      "id in (select post_id from comments where text ilike 'comment 1%' and author_id = 2 and deleted_at is null)",
    ],
    [
      'filter[and][0][tags.name]=red&filter[and][1][tags.name]=blue',
      'id in (select post_id from post_tags where tag_id = 1) and id in (select post_id from post_tags where tag_id = 3)',
    ],
    ['filter[or][0][tags.name]=red&filter[or][0][tags.id]=3', 'false'],
    ['filter[comments][null]=true', 'id not in (select post_id from comments where deleted_at is null)'],
    ['filter[comments.author.name]=Bob', 'id in (select post_id from comments where author_id = 2 and deleted_at is null)'],
    ['filter[or][0][id]=1&filter[or][1][id]=2&filter[featured]=false', 'id in (1, 2)'],
    ['filter[or][0][id][lt]=5&filter[or][0][featured]=false&filter[or][1][id]=60', '(id < 5) or id = 60'],
  ])('%s finds what SQL finds', async (query, where) => {
    expect(await ids(`sort=id&${query}`)).toEqual(await sql(where))
  })

  test.each([
    ['-id', 'id desc'],
    ['price', 'price, id'],
    ['-price', 'price desc, id desc'],
    ['status,-id', 'status, id desc'],
    ['author.name,-id', '(select name from authors where id = p.author_id), id desc'],
  ])('sort=%s orders as SQL does', async (sort, order) => {
    expect(await ids(`sort=${sort}`)).toEqual(await sql('true', order))
  })

  test.each(['id', '-id', 'price', '-price', '-published_at,title', 'published_at,-price', 'author.email,-views', 'status', ''])(
    'pages by cursor in the order "%s" show every record once, in order, while others are inserted and deleted',
    async (sort) => {
      const all = await ids(sort === '' ? '' : `sort=${sort}`)
      const seen: number[] = []
      const added: number[] = []
      let path: string | undefined = `/api/posts?fields=id&page[size]=7${sort === '' ? '' : `&sort=${sort}`}`
      while (path !== undefined) {
        const reply = await blogApp.get(path)
        expect(reply.status, reply.text).toBe(200)
        seen.push(...reply.body.data.map((post: { id: number }) => post.id))
        const [row] = await blogApp.app.db.query<{ id: number }>(
          `insert into posts (title, price, published_at) values ('A', 0.01, '1999-01-01') returning id`,
        )
        added.push(row?.id ?? 0)
        path = reply.headers['link'] === undefined ? undefined : String(reply.headers['link']).match(/<([^>]+)>; rel="next"/)?.[1]
      }
      await blogApp.app.db.query(`delete from posts where id = any($1)`, [added])
      expect(seen.filter((id) => !added.includes(id))).toEqual(all)
      expect(new Set(seen).size).toBe(seen.length)
    },
  )

  test('pages by number say which page they are and whether there is another', async () => {
    const second = await blogApp.get('/api/posts?page[number]=2&page[size]=50&count=exact')
    expect(second.body.meta).toEqual({ page: { size: 50, count: 10, number: 2, has_more: false }, total: 60 })
    expect(second.headers['link']).toBeUndefined()
    const first = await blogApp.get('/api/posts?page[number]=1&page[size]=50')
    expect(first.headers['link']).toBe('</api/posts?page[size]=50&page%5Bnumber%5D=2>; rel="next"')
  })

  test('the total counts all that match, also on a page past the end and on one reached by cursor', async () => {
    expect((await blogApp.get('/api/posts?count=exact&filter[id][lte]=30&page[size]=5')).body.meta.total).toBe(30)
    expect((await blogApp.get('/api/posts?count=exact&page[number]=99')).body.meta.total).toBe(60)
    expect((await blogApp.get('/api/posts?count=exact&filter[id]=-1')).body.meta.total).toBe(0)
    const { next } = (await blogApp.get('/api/posts?page[size]=5')).body.meta.page
    expect((await blogApp.get(`/api/posts?page[size]=5&count=exact&page[after]=${next}`)).body.meta.total).toBe(60)
  })

  test('a record has every visible field, exact and in UTC', async () => {
    const { body } = await blogApp.get('/api/posts/1')
    expect(body).toEqual({
      success: true,
      meta: {},
      data: {
        id: 1,
        author_id: 2,
        parent_id: null,
        title: 'Post 1',
        body: 'Body about dogs',
        status: 'published',
        price: '1.2500',
        views: '9007199254740994',
        labels: [],
        extra: { n: 1, deep: { list: [1, null] } },
        featured: false,
        published_at: '2026-01-01T22:00:00.123456Z',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
        updated_at: expect.stringMatching(/Z$/),
      },
    })
    expect((await blogApp.get('/api/posts/2')).body.data.labels).toEqual(['even', 'a "quoted", one'])
  })

  test('a hidden field is never shown, filtered, sorted or included', async () => {
    expect((await blogApp.get('/api/authors/1')).body.data).toEqual({ id: 1, name: 'Ada', email: 'ada@example.org' })
    expect((await blogApp.get('/api/authors?filter[secret]=s1')).body.code).toBe('RESOURCE_UNKNOWN_FIELD')
    expect((await blogApp.get('/api/authors?sort=secret')).body.code).toBe('RESOURCE_UNKNOWN_FIELD')
    expect((await blogApp.get('/api/authors?fields=secret')).body.code).toBe('RESOURCE_UNKNOWN_FIELD')
    expect((await blogApp.get('/api/posts?filter[author.secret]=s1')).body.code).toBe('RESOURCE_UNKNOWN_FIELD')
    expect((await blogApp.get('/api/posts?include=author')).text).not.toContain('s1')
  })

  test('included records come with one statement for each relation, however many records there are', async () => {
    const count = await countStatements(blogApp.app.db, async () => {
      const reply = await blogApp.get('/api/posts?sort=id&page[size]=60&include=author,tags,comments.author')
      expect(reply.status).toBe(200)
      const [first, second] = reply.body.data
      expect(first.author).toEqual({ id: 2, name: 'Bob', email: null })
      expect(first.tags.map((tag: { name: string }) => tag.name)).toEqual(['red', 'blue'])
      expect(second.tags.map((tag: { name: string }) => tag.name)).toEqual(['green'])
      expect(reply.body.data[2].author.name).toBe('Ada')
      expect(
        first.comments.every((comment: { author: object; deleted_at: null }) => comment.author !== null && comment.deleted_at === null),
      ).toBe(true)
      expect(reply.body.data[59].comments).toEqual([])
    })
    expect(count).toBe(5)
  })

  test('included records match what SQL joins', async () => {
    const { body } = await blogApp.get('/api/posts?sort=id&page[size]=60&include=comments&fields=id&fields[comments]=text')
    const expected = await blogApp.app.db.query(
      `select p.id, coalesce(json_agg(json_build_object('text', c.text) order by c.id) filter (where c.id is not null), '[]') as comments
       from posts p left join comments c on c.post_id = p.id and c.deleted_at is null group by p.id order by p.id`,
    )
    expect(body.data).toEqual(expected)
  })

  test('relations lead both ways: an author has posts, a tag has posts, a post has its ratings', async () => {
    expect((await blogApp.get('/api/authors/1?include=posts&fields[posts]=id')).body.data.posts).toHaveLength(20)
    expect((await blogApp.get('/api/tags/1?include=posts&fields[posts]=id')).body.data.posts).toHaveLength(30)
    expect((await blogApp.get('/api/posts/3?include=ratings&fields=id')).body.data).toEqual({
      id: 3,
      ratings: [{ post_id: 3, critic: 'critic 3', stars: 3, note: null }],
    })
  })

  test('a record with a key of two fields has two path segments', async () => {
    expect((await blogApp.get('/api/ratings/3/critic%203')).body.data.stars).toBe(3)
    expect((await blogApp.get('/api/ratings/3/nobody')).status).toBe(404)
  })

  test('search finds words in any of its fields, best match first', async () => {
    const reply = await blogApp.get('/api/posts?search=fox -missing&page[size]=100&count=exact')
    expect(reply.status, reply.text).toBe(200)
    const [expected] = await blogApp.app.db.query<{ count: string }>(`select count(*) from posts where body like '%foxes%'`)
    expect(reply.body.meta.total).toBe(Number(expected?.count))
    expect((await blogApp.get('/api/posts?search="post 12"')).body.data[0].title).toBe('Post 12')
    const cursor = (await blogApp.get('/api/posts?search=foxes&page[size]=5')).body.meta.page.next
    expect((await blogApp.get(`/api/posts?search=foxes&page[size]=5&page[after]=${cursor}`)).body.data).toHaveLength(5)
  })

  test('soft-deleted records are hidden unless asked for', async () => {
    const size = 'page[size]=1&count=exact'
    expect((await blogApp.get(`/api/comments?${size}`)).body.meta.total).toBe(75)
    expect((await blogApp.get(`/api/comments?${size}&deleted=with`)).body.meta.total).toBe(100)
    expect((await blogApp.get(`/api/comments?${size}&deleted=only`)).body.meta.total).toBe(25)
  })

  test.each([
    ['filter[nmae]=x', 'RESOURCE_UNKNOWN_FIELD', undefined],
    ['filter[titel]=x', 'RESOURCE_UNKNOWN_FIELD', 'Perhaps you meant "title".'],
    ['filter[auther.name]=x', 'RESOURCE_UNKNOWN_RELATION', 'Perhaps you meant "author".'],
    ['filter[id][like]=x', 'RESOURCE_UNKNOWN_OPERATOR', expect.stringContaining('eq')],
    ['filter[id][contains]=1', 'RESOURCE_UNKNOWN_OPERATOR', expect.anything()],
    ['filter[id]=abc', 'RESOURCE_INVALID_VALUE', undefined],
    ['filter[id]=99999999999', 'RESOURCE_INVALID_VALUE', undefined],
    ['filter[status]=lost', 'RESOURCE_INVALID_VALUE', undefined],
    ['filter[featured]=yes', 'RESOURCE_INVALID_VALUE', undefined],
    ['filter[title]=%00', 'HTTP_INVALID_URL', undefined],
    ['filter[price][between]=1', 'RESOURCE_INVALID_VALUE', undefined],
    ['sort=-titel', 'RESOURCE_UNKNOWN_FIELD', 'Perhaps you meant "title".'],
    ['sort=extra', 'RESOURCE_NOT_SORTABLE', undefined],
    ['sort=tags.name', 'RESOURCE_NOT_SORTABLE', undefined],
    [`sort=${'parent.'.repeat(11)}title`, 'RESOURCE_SORT_TOO_LONG', undefined],
    [`sort=${Array.from({ length: 11 }, () => 'title').join(',')}`, 'RESOURCE_SORT_TOO_LONG', undefined],
    ['include=autor', 'RESOURCE_UNKNOWN_RELATION', 'Perhaps you meant "author".'],
    ['include=author.posts.author.posts.author', 'RESOURCE_INCLUDE_TOO_DEEP', undefined],
    ['fields=titel', 'RESOURCE_UNKNOWN_FIELD', 'Perhaps you meant "title".'],
    ['fields[author]=name', 'RESOURCE_INVALID_VALUE', 'Add include=author.'],
    ['deleted=only', 'RESOURCE_INVALID_VALUE', undefined],
    ['page[size]=0', 'RESOURCE_INVALID_PAGE', undefined],
    ['page[size]=100000', 'RESOURCE_INVALID_PAGE', undefined],
    ['page[number]=900000', 'RESOURCE_INVALID_PAGE', undefined],
    ['page[number]=1&page[after]=x', 'RESOURCE_INVALID_PAGE', undefined],
    ['page[after]=WzFd.AAAAAAAAAAAAAAAA', 'RESOURCE_INVALID_CURSOR', undefined],
    ['page[after]=', 'RESOURCE_INVALID_CURSOR', undefined],
    [Array.from({ length: 51 }, (_, i) => `filter[or][${i}][id]=1`).join('&'), 'RESOURCE_TOO_MANY_CONDITIONS', undefined],
    [`filter[${'author.posts.'.repeat(25)}id]=1`, 'RESOURCE_TOO_MANY_CONDITIONS', undefined],
    [
      'include=author.posts,tags.posts,comments.post,comments.author,ratings.post,author.comments,tags.posts.author,tags.posts.tags,comments.post.tags,comments.post.author,comments.post.comments,comments.author.posts,ratings.post.author,ratings.post.tags,ratings.post.comments,ratings.post.ratings,author.posts.tags',
      'RESOURCE_TOO_MANY_INCLUDES',
      undefined,
    ],
  ])('%s is refused with %s', async (query, code, hint) => {
    const reply = await blogApp.get(`/api/posts?${query}`)
    expect(reply.status).toBe(400)
    expect(reply.body).toMatchObject({ success: false, data: null, code })
    if (hint !== undefined) expect(reply.body.hint).toEqual(hint)
  })

  test('pages in the order of texts too long for a cursor have numbers instead', async () => {
    await blogApp.app.db.query(
      `update comments set text = repeat(text, 1000) where id in (select id from comments where deleted_at is null order by text desc limit 30)`,
    )
    const seen: string[] = []
    let path: string | undefined = '/api/comments?sort=-text&page[size]=10&fields=id'
    while (path !== undefined) {
      const reply = await blogApp.get(path)
      expect(String(reply.headers['link'] ?? '').length).toBeLessThan(5000)
      seen.push(...reply.body.data.map(({ id }: { id: string }) => id))
      path = /<(.*)>/.exec(String(reply.headers['link']))?.[1]
    }
    expect(new Set(seen).size).toBe(75)
  })

  test('a cursor is good for its own list and order only', async () => {
    const { next } = (await blogApp.get('/api/posts?page[size]=5&sort=title')).body.meta.page
    expect((await blogApp.get(`/api/posts?page[size]=5&sort=-title&page[after]=${next}`)).body.code).toBe('RESOURCE_INVALID_CURSOR')
    expect((await blogApp.get(`/api/authors?sort=name&page[after]=${next}`)).body.code).toBe('RESOURCE_INVALID_CURSOR')
    const forged = `${Buffer.from('["zzz","1"]').toString('base64url')}.${next.split('.')[1]}`
    expect((await blogApp.get(`/api/posts?page[size]=5&sort=title&page[after]=${forged}`)).body.code).toBe('RESOURCE_INVALID_CURSOR')
  })

  test('a caller who has the present version gets 304 without a body', async () => {
    const first = await blogApp.get('/api/posts/5')
    const tag = String(first.headers['etag'])
    expect(tag).toMatch(/^"[\w-]+"$/)
    const again = await blogApp.get('/api/posts/5', { 'if-none-match': `"other", W/${tag}` })
    expect([again.status, again.text]).toEqual([304, ''])
    const list = await blogApp.get('/api/posts?page[size]=2')
    expect((await blogApp.get('/api/posts?page[size]=2', { 'if-none-match': String(list.headers['etag']) })).status).toBe(304)
    expect((await blogApp.get('/api/posts?page[size]=3', { 'if-none-match': String(list.headers['etag']) })).status).toBe(200)
  })

  test('an unknown record is a 404 and an impossible key a 400 that names the field', async () => {
    expect((await blogApp.get('/api/posts/999999')).body).toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
    expect((await blogApp.get('/api/posts/abc')).body).toMatchObject({ code: 'RESOURCE_INVALID_VALUE', details: [{ field: 'id' }] })
    expect((await blogApp.get('/api/posts/99999999999')).status).toBe(400)
  })

  test('a relation with more records than a reply may carry is refused by name, not cut', async () => {
    await blogApp.app.db.query(`insert into ratings (post_id, critic, stars) select 6, 'bulk ' || i, 1 from generate_series(1, 10001) i`)
    expect(await blogApp.get('/api/posts/6?include=ratings')).toMatchObject({ status: 400, body: { code: 'RESOURCE_INCLUDE_TOO_LARGE' } })
    expect((await blogApp.get('/api/posts/5?include=ratings')).status).toBe(200)
  })

  test('a resource without search refuses to be searched', async () => {
    expect(await blogApp.get('/api/tags?search=red')).toMatchObject({ status: 400, body: { code: 'RESOURCE_NOT_SEARCHABLE' } })
  })
})
