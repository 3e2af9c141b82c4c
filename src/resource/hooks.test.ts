import { setTimeout as sleep } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../core/errors.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { authors, posts, type Workbench, workbench } from '../../test/support/writers.ts'
import { defineResource, type HookContext, type Hooks, type InsertOf, type RowOf } from './define.ts'
import { anyone } from '../auth/policies.ts'

type PostHooks = Hooks<RowOf<typeof posts>, InsertOf<typeof posts>>

describe('hooks around a write', () => {
  let bench: Workbench

  afterEach(() => bench.close())

  async function withHooks(hooks: PostHooks, readOnly: readonly ('slug' | 'rating')[] = []): Promise<Workbench> {
    const definition = defineResource(posts, { access: { read: anyone, write: anyone }, hidden: ['secret'], readOnly, hooks })
    bench = await workbench(testDatabase().url, [definition, defineResource(authors, { access: { read: anyone, write: anyone } })])
    return bench
  }

  const create = (values: Record<string, unknown>) => bench.write('posts', { operation: 'create', values })
  const rows = () => bench.rows('select title, slug, rating, secret from posts order by id')

  test('beforeWrite may fill read-only and hidden fields, also required ones, and what it returns is written', async () => {
    await withHooks({ beforeWrite: (values) => ({ ...values, slug: `${values.title}-slug`, secret: 's', created_at: new Date(0) }) }, [
      'slug',
    ])
    const saved = await create({ title: 'Hello' })
    expect(saved?.record).toMatchObject({ title: 'Hello', slug: 'Hello-slug', created_at: '1970-01-01T00:00:00Z' })
    expect(await rows()).toMatchObject([{ secret: 's' }])
  })

  test('beforeWrite may change the values it is given', async () => {
    await withHooks({
      beforeWrite(values) {
        values.slug = 'changed'
        delete values.rating
      },
    })
    expect((await create({ title: 'Hello', slug: 'own', rating: 1 }))?.record).toMatchObject({ slug: 'changed', rating: 3 })
  })

  test.each([['text'], [5], [true], [['a list']]])(
    'what beforeWrite returns has to be an object: %j is a failure of ours',
    async (returned) => {
      await withHooks({ beforeWrite: () => returned as never })
      const error = await bench.refusal(create({ title: 'Hello', slug: 's' }))
      expect(error).toMatchObject({ code: 'WRITE_HOOK_FAILED', status: 500 })
      expect(String(error.cause)).toMatch(/^TypeError: beforeWrite of "posts" returned a \w+, and not an object of values\.$/)
      expect(await rows()).toEqual([])
    },
  )

  test('a serialize hook that gives a promise is refused by name, whatever becomes of the promise', async () => {
    await withHooks({ serialize: () => Promise.reject(new Error('nobody waits for this')) })
    await expect(create({ title: 'Hello', slug: 's' })).rejects.toThrow('The serialize hook of "posts" returned a promise')
  })

  test('a serialize hook that gives nothing is refused by name', async () => {
    await withHooks({ serialize: () => undefined })
    await expect(create({ title: 'Hello', slug: 's' })).rejects.toThrow('The serialize hook of "posts" returned nothing.')
  })

  test('a caller is refused what hooks may set, and the hook is not asked', async () => {
    let asked = 0
    await withHooks({ beforeWrite: () => void asked++ }, ['slug'])
    const error = await bench.refusal(create({ title: 'Hello', slug: 'mine' }))
    expect(error.details).toMatchObject([{ field: 'slug', code: 'WRITE_READ_ONLY_FIELD' }])
    expect(asked).toBe(0)
  })

  test('what a hook sets is checked like what a caller sends', async () => {
    await withHooks({ beforeWrite: (values) => ({ ...values, title: 'x'.repeat(21), double_rating: 1 }) as typeof values })
    const error = await bench.refusal(create({ title: 'Hello', slug: 's' }))
    expect(error.details.map(({ field, code }) => [field, code])).toEqual([
      ['title', 'WRITE_INVALID_VALUE'],
      ['double_rating', 'WRITE_READ_ONLY_FIELD'],
    ])
    expect(await rows()).toEqual([])
  })

  test('beforeWrite sees the whole record as it is, hidden fields included, and who asks for what', async () => {
    const seen: unknown[] = []
    await withHooks({
      beforeWrite(_values, { current, ...context }) {
        seen.push([context, current])
      },
    })
    await create({ title: 'Hello', slug: 's', tags: ['a'], price: '1.50' })
    await bench.db.query(`update posts set secret = 'hidden'`)
    await bench.write('posts', { operation: 'patch', key: ['1'], values: { title: 'New' } })
    expect(seen).toMatchObject([
      [{ operation: 'create', resource: 'posts', requestId: 'request-1' }, undefined],
      [{ operation: 'patch' }, { id: 1, title: 'Hello', secret: 'hidden', tags: ['a'], price: '1.50' }],
    ])
  })

  test('what a hook does with its database is part of the write: kept with it, and gone when it is rolled back', async () => {
    await withHooks({
      async afterWrite(row, { db }) {
        await db.query('insert into authors (name) values ($1)', [`author of ${row.title}`])
        if (row.title === 'bad') throw new Error('no')
      },
    })
    await create({ title: 'good', slug: 'g' })
    await bench.refusal(create({ title: 'bad', slug: 'b' }))
    expect(await bench.rows('select name from authors')).toEqual([{ name: 'author of good' }])
  })

  test('hooks run for every operation, in order, and see the record after it', async () => {
    const log: string[] = []
    const note =
      (when: string) =>
      (row: { readonly title?: string }, { operation }: HookContext) =>
        void log.push(`${when} ${operation} ${row.title}`)
    await withHooks({ beforeWrite: note('before'), afterWrite: note('after'), afterCommit: note('commit') })
    await create({ title: 'one', slug: 's' })
    await bench.write('posts', { operation: 'replace', key: ['1'], values: { title: 'two', slug: 's' } })
    await bench.write('posts', { operation: 'patch', key: ['1'], values: { title: 'three' } })
    await bench.write('posts', { operation: 'delete', key: ['1'] })
    await bench.write('posts', { operation: 'restore', key: ['1'] })
    expect(log).toEqual([
      'before create one',
      'after create one',
      'commit create one',
      'before replace two',
      'after replace two',
      'commit replace two',
      'before patch three',
      'after patch three',
      'commit patch three',
      'before delete undefined',
      'after delete three',
      'commit delete three',
      'before restore undefined',
      'after restore three',
      'commit restore three',
    ])
  })

  test.each(['beforeWrite', 'afterWrite'] as const)('an AppError thrown by %s is the answer, and nothing has changed', async (name) => {
    await withHooks({})
    await create({ title: 'Hello', slug: 's' })
    await bench.close()
    await withHooks({
      [name](values: { title?: unknown }, { operation }: HookContext) {
        if (operation === 'patch' || values.title === 'bad')
          throw new AppError('SHOP_CLOSED', 403, 'The shop is closed.', 'Come back tomorrow.')
      },
    })
    await create({ title: 'good', slug: 's' })
    expect(await bench.refusal(create({ title: 'bad', slug: 't' }))).toMatchObject({
      code: 'SHOP_CLOSED',
      status: 403,
      hint: 'Come back tomorrow.',
    })
    expect(await bench.refusal(bench.write('posts', { operation: 'patch', key: ['1'], values: { title: 'x' } }))).toMatchObject({
      code: 'SHOP_CLOSED',
    })
    expect(await rows()).toMatchObject([{ title: 'good' }])
  })

  test('anything else a hook throws is a failure of the server that keeps its cause to the log', async () => {
    await withHooks({
      afterWrite() {
        throw new Error('password=hunter2')
      },
    })
    const error = await bench.refusal(create({ title: 'Hello', slug: 's' }))
    expect(error).toMatchObject({ code: 'WRITE_HOOK_FAILED', status: 500, message: 'The server could not complete the request.' })
    expect((error.cause as Error).message).toBe('password=hunter2')
    expect(await rows()).toEqual([])
  })

  test('what a hook writes belongs to the transaction, and a constraint it breaks there keeps its meaning', async () => {
    await withHooks({
      async beforeWrite(values) {
        const orm = drizzle({ client: bench.db.client() })
        const [author] = await orm
          .insert(authors)
          .values({ name: `Author of ${values.title}`, email: values.title })
          .returning()
        values.author_id = author?.id
      },
    })
    const saved = await create({ title: 'one@example.com', slug: 'one' })
    expect(await bench.rows('select id, name from authors')).toEqual([{ id: saved?.record.author_id, name: 'Author of one@example.com' }])
    expect(await bench.refusal(create({ title: 'one@example.com', slug: 'two' }))).toMatchObject({ status: 409, code: 'DB_UNIQUE' })
    expect(await bench.refusal(create({ title: 'two@example.com', slug: 'one' }))).toMatchObject({
      status: 409,
      code: 'WRITE_CONFLICT',
      field: 'slug',
    })
    expect(await bench.rows('select from authors')).toHaveLength(1)
  })

  test('afterCommit runs when others can see the record, never after a rollback, and its failure is logged while the answer stands', async () => {
    const seen: unknown[] = []
    await withHooks({
      async afterCommit({ id, title }) {
        seen.push(await bench.db.query('select title from posts where id = $1', [id]))
        if (title === 'fails') throw new Error('mail server is down')
      },
    })
    await create({ title: 'kept', slug: 'a' })
    expect(await create({ title: 'fails', slug: 'b' })).toBeDefined()
    await bench.refusal(create({ title: 'taken', slug: 'a' }))
    await expect(
      bench.db.transaction(async () => {
        await create({ title: 'gone', slug: 'c' })
        throw new Error('roll back')
      }),
    ).rejects.toThrow('roll back')
    await expect.poll(() => bench.logged.join('')).toContain('mail server is down')
    expect(seen).toEqual([[{ title: 'kept' }], [{ title: 'fails' }]])
  })

  test('a patch that ends up empty changes nothing and runs no later hook', async () => {
    let later = 0
    await withHooks({ beforeWrite: () => ({}), afterWrite: () => void later++, afterCommit: () => void later++ })
    await bench.db.query(`insert into posts (title, slug) values ('Hello', 's')`)
    expect((await bench.write('posts', { operation: 'patch', key: ['1'], values: { title: 'x' } }))?.record.title).toBe('Hello')
    expect(later).toBe(0)
  })

  test('a record is locked from before beforeWrite until the end, so that hooks may count on what they saw', async () => {
    await withHooks({
      async beforeWrite(values, { current }) {
        await sleep(5)
        values.rating = (current?.rating ?? 0) + 1
      },
    })
    await bench.db.query(`insert into posts (title, slug, rating) values ('Hello', 's', 0)`)
    await Promise.all(Array.from({ length: 5 }, () => bench.write('posts', { operation: 'patch', key: ['1'], values: {} })))
    expect(await rows()).toMatchObject([{ rating: 5 }])
  })

  test('a hook that throws in a bulk request names the item, and nothing has changed', async () => {
    await withHooks({
      afterWrite({ title }) {
        if (title === 'seven') throw new AppError('SHOP_CLOSED', 403, 'The shop is closed.')
      },
    })
    const items = Array.from({ length: 10 }, (_, i) => ({ title: i === 7 ? 'seven' : 'other', slug: `s${i}` }))
    const error = await bench.refusal(bench.bulk('posts', { operation: 'create', items }))
    expect(error).toMatchObject({ code: 'SHOP_CLOSED', status: 403, details: [{ index: 7, code: 'SHOP_CLOSED' }] })
    expect(await rows()).toEqual([])
  })

  test('hooks of a bulk request see each item with its record, and what they set is written', async () => {
    const committed: unknown[] = []
    await withHooks({
      beforeWrite(values, { current }) {
        values.slug = `${current?.slug ?? 'new'}-${values.title}`
      },
      afterCommit: ({ slug }, { operation }) => void committed.push([operation, slug]),
    })
    await bench.bulk('posts', { operation: 'create', items: [{ title: 'a' }, { title: 'b' }] })
    await bench.bulk('posts', {
      operation: 'patch',
      items: [
        { id: 2, title: 'B' },
        { id: 1, title: 'A' },
      ],
    })
    await bench.bulk('posts', { operation: 'delete', keys: [['1']] })
    expect(await rows()).toMatchObject([{ slug: 'new-a-A' }, { slug: 'new-b-B' }])
    expect(committed).toEqual([
      ['create', 'new-a'],
      ['create', 'new-b'],
      ['patch', 'new-b-B'],
      ['patch', 'new-a-A'],
      ['delete', 'new-a-A'],
    ])
  })

  test('a failing bulk item is found among records that refer to what a hook has just written', async () => {
    await withHooks({
      async beforeWrite(values) {
        const orm = drizzle({ client: bench.db.client() })
        const [author] = await orm.insert(authors).values({ name: 'new' }).returning()
        await orm
          .update(authors)
          .set({ name: 'newer' })
          .where(eq(authors.id, author?.id ?? 0))
        values.author_id = author?.id
      },
    })
    const items = Array.from({ length: 8 }, (_, i) => ({ title: 't', slug: i === 5 ? 's0' : `s${i}` }))
    const error = await bench.refusal(bench.bulk('posts', { operation: 'create', items }))
    expect(error.details.map(({ index, code }) => [index, code])).toEqual([[5, 'WRITE_CONFLICT']])
    expect(await bench.rows('select from authors')).toEqual([])
  })
})
