// Idempotency-Key: one effect and one answer for each key, whoever asks at the same time, and nothing kept of a refusal.

import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { anyone, type App, createApp, defineApp, defineResource, type Hooks, type RoutePlugin } from 'plinth'
import { integer, pgTable, serial, softDelete, text, timestamps } from 'plinth/db'
import { readConfig } from '../core/env.ts'
import { AppError } from '../core/errors.ts'
import { countStatements } from '../../test/support/count-statements.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { send, type TestReply, type TestRequest } from '../testing/request.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

const access = { read: anyone, write: anyone }
const tasks = pgTable('tasks', {
  id: serial().primaryKey(),
  title: text().notNull().unique(),
  size: integer(),
  ...timestamps,
  ...softDelete,
})
const watched = pgTable('watched', { id: serial().primaryKey(), name: text().notNull() })
const models = { tasks, watched }

/** What the hooks of `watched` have seen, and what they wait for. */
const seen: string[] = []
let gate: Promise<void> = Promise.resolve()

const hooks: Hooks<Record<string, unknown>, Record<string, unknown>> = {
  async beforeWrite() {
    seen.push('beforeWrite')
    await gate
  },
  afterWrite: () => void seen.push('afterWrite'),
  afterCommit: () => void seen.push('afterCommit'),
}

const routes: RoutePlugin = (fastify, { app }) => {
  fastify.post(
    '/pay',
    app.idempotent(async ({ body }) => {
      const { amount } = body as { readonly amount: number }
      await app.db.query(`insert into watched (name) values ('paid ' || $1)`, [amount])
      if (amount === 1) throw new AppError('TOO_LITTLE', 409, 'One is not enough.')
      if (amount === 2) return { status: 402, body: { more: true } }
      if (amount === 3) return { status: 201, headers: { location: '/pay/3' }, body: 'paid' }
      if (amount === 8) return { body: new Uint8Array([9, 0, 255]).subarray(1) }
      if (amount === 6) return { body: Readable.from(['streamed']) }
      if (amount === 7) return { body: new Blob(['streamed']).stream() }
      return amount === 4 ? { body: Buffer.from([0, 255]) } : {}
    }),
  )
}

const definition = defineApp({
  name: 'idempotency',
  models,
  resources: [defineResource(tasks, { access }), defineResource(watched, { access, hooks: hooks as never })],
  routes: [routes],
})

const patient = { DB_LOCK_TIMEOUT: '8s', DB_STATEMENT_TIMEOUT: '9s' }
const impatient = { DB_LOCK_TIMEOUT: '150ms' }

/** What of a reply has to be the same in every repetition. */
function essence({ status, text: body, headers }: TestReply): unknown[] {
  return [status, body, headers['etag'], headers['location'], headers['content-type']]
}

describe.each(testDatabases())('Idempotency-Key on $name', ({ url }) => {
  let api: TestApp

  beforeAll(async () => {
    api = await testApp(definition, { url, environment: patient })
  })
  afterAll(() => api.close())
  beforeEach(async () => {
    await api.app.db.query('truncate tasks, watched, plinth.idempotency restart identity')
    seen.length = 0
    gate = Promise.resolve()
  })

  const withKey = (request: TestRequest, key = 'key-1', app: App = api.app): Promise<TestReply> =>
    send(app, { ...request, headers: { ...request.headers, 'idempotency-key': key } })
  const create = (title: string, key?: string, app?: App): Promise<TestReply> =>
    withKey({ method: 'POST', path: '/api/tasks', body: { title } }, key, app)
  const count = async (table: string): Promise<number> =>
    (await api.app.db.query<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count ?? -1

  /** A second process, as far as PostgreSQL can tell. */
  async function otherProcess(environment: Record<string, string> = {}): Promise<App> {
    const settings = { APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: api.url, ...patient, ...environment }
    const app = await createApp(definition, readConfig(settings, '.'))
    onTestFinished(() => app.stop())
    return app
  }

  test('a repeated create gets the first answer, byte for byte, and creates nothing', async () => {
    const first = await create('One')
    expect([first.status, first.headers['idempotency-replayed']]).toEqual([201, undefined])
    const again = await create('One')
    expect(essence(again)).toEqual(essence(first))
    expect(again.headers['location']).toBe('/api/tasks/1')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
    expect(await count('tasks')).toBe(1)
  })

  test.each<[string, TestRequest]>([
    ['replace', { method: 'PUT', path: '/api/tasks/1', body: { title: 'changed' } }],
    ['patch', { method: 'PATCH', path: '/api/tasks/1', body: { size: 5 } }],
    ['delete', { method: 'DELETE', path: '/api/tasks/1' }],
    ['restore', { method: 'POST', path: '/api/tasks/2/restore' }],
    ['bulk create', { method: 'POST', path: '/api/tasks', body: [{ title: 'a' }, { title: 'b' }] }],
    ['bulk patch', { method: 'PATCH', path: '/api/tasks', body: [{ id: 1, size: 1 }] }],
    ['bulk delete', { method: 'DELETE', path: '/api/tasks', body: [1] }],
  ])('%s is done once', async (_operation, request) => {
    await api.post('/api/tasks', [{ title: 'one' }, { title: 'two' }])
    await api.delete('/api/tasks/2')
    const first = await withKey(request)
    expect(first.status, first.text).toBeLessThan(300)
    const state = await api.app.db.query('select * from tasks order by id')
    const again = await withKey(request)
    expect(essence(again)).toEqual(essence(first))
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(await api.app.db.query('select * from tasks order by id')).toEqual(state)
  })

  test.each<[string, TestRequest]>([
    ['another body', { method: 'POST', path: '/api/tasks', body: { title: 'Two' } }],
    ['another address', { method: 'POST', path: '/api/watched', body: { title: 'One' } }],
    ['another method', { method: 'PATCH', path: '/api/tasks', body: { title: 'One' } }],
  ])('the same key with %s is refused and does nothing', async (_what, request) => {
    await create('One')
    expect(await withKey(request)).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    expect([await count('tasks'), await count('watched')]).toEqual([1, 0])
  })

  test.each(['', 'a b', 'schlüssel', 'x'.repeat(256), 'tab\t'])('%j is no key', async (key) => {
    expect(await create('One', key)).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_INVALID_KEY' } })
    expect(await count('tasks')).toBe(0)
  })

  test('a key may have 255 characters, quotes among them', async () => {
    const key = `"${'~'.repeat(253)}"`
    expect([(await create('One', key)).status, (await create('One', key)).headers['idempotency-replayed']]).toEqual([201, 'true'])
  })

  test('a refusal is not remembered: the same request succeeds when nothing stands against it any more', async () => {
    await api.post('/api/tasks', { title: 'One' })
    expect((await create('One')).status).toBe(409)
    expect((await withKey({ method: 'PATCH', path: '/api/tasks/2', body: { title: 'x' } }, 'key-2')).status).toBe(404)
    expect((await withKey({ method: 'POST', path: '/api/tasks', body: { titel: 'x' } }, 'key-3')).status).toBe(400)
    expect(await count('plinth.idempotency')).toBe(0)
    await api.patch('/api/tasks/1', { title: 'Other' })
    expect((await create('One')).status).toBe(201)
  })

  test('a constraint that speaks at the commit is a conflict that names its field, and leaves no answer', async () => {
    await api.app.db.query('alter table tasks drop constraint tasks_title_key, drop constraint if exists tasks_title_unique')
    await api.app.db.query('alter table tasks add constraint tasks_title_key unique (title) deferrable initially deferred')
    await api.post('/api/tasks', { title: 'One' })
    expect(await create('One')).toMatchObject({ status: 409, body: { code: 'WRITE_CONFLICT' } })
    expect(await count('plinth.idempotency')).toBe(0)
  })

  test('hooks run once, in the transaction of the key', async () => {
    const request: TestRequest = { method: 'POST', path: '/api/watched', body: { name: 'x' } }
    await withKey(request)
    await withKey(request)
    expect(seen).toEqual(['beforeWrite', 'afterWrite', 'afterCommit'])
  })

  test('twenty at the same time have one effect and one answer', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => create('One')))
    expect(new Set(replies.map((reply) => JSON.stringify(essence(reply)))).size).toBe(1)
    expect(replies.filter((reply) => reply.headers['idempotency-replayed'] === 'true')).toHaveLength(19)
    expect(await count('tasks')).toBe(1)
  })

  test('a duplicate in another process waits for the first and gets its answer', async () => {
    const other = await otherProcess()
    const opened = Promise.withResolvers<void>()
    gate = opened.promise
    const request: TestRequest = { method: 'POST', path: '/api/watched', body: { name: 'x' } }
    const first = withKey(request)
    await expect.poll(() => seen).toEqual(['beforeWrite'])
    const second = withKey(request, 'key-1', other)
    await expect.poll(() => waiting(api)).toBe(1)
    opened.resolve()
    expect(essence(await second)).toEqual(essence(await first))
    expect([seen.length, await count('watched')]).toEqual([3, 1])
  })

  test.each(['the same process', 'another process'])('one in %s that waits too long is told to come back', async (where) => {
    const opened = Promise.withResolvers<void>()
    gate = opened.promise
    const request: TestRequest = { method: 'POST', path: '/api/watched', body: { name: 'x' } }
    const app = await otherProcess(impatient)
    const first = withKey(request, 'key-1', app)
    await expect.poll(() => seen).toEqual(['beforeWrite'])
    const second = await withKey(request, 'key-1', where === 'another process' ? await otherProcess(impatient) : app)
    expect(second).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_IN_PROGRESS' }, headers: { 'retry-after': '1' } })
    opened.resolve()
    expect((await first).status).toBe(201)
    expect((await withKey(request)).headers['idempotency-replayed']).toBe('true')
  })

  test('when the first fails, a duplicate that waited does the work', async () => {
    const opened = Promise.withResolvers<void>()
    gate = opened.promise.then(() => Promise.reject(new AppError('NOT_NOW', 409, 'Not now.')))
    gate.catch(() => {})
    const request: TestRequest = { method: 'POST', path: '/api/watched', body: { name: 'x' } }
    const first = withKey(request)
    await expect.poll(() => seen).toEqual(['beforeWrite'])
    gate = Promise.resolve()
    const second = withKey(request)
    opened.resolve()
    expect([(await first).status, (await second).status, await count('watched')]).toEqual([409, 201, 1])
  })

  test('it costs two small statements, and nothing without the header', async () => {
    const plain = () => api.post('/api/tasks', { title: 'plain' }).then(() => undefined)
    expect(await countStatements(api.app.db, plain)).toBe(1)
    expect(await countStatements(api.app.db, () => create('keyed').then(() => undefined))).toBe(3)
  })

  test('after its time an answer is not given any more, and its key is free for another request', async () => {
    await create('One')
    await api.app.db.query(`update plinth.idempotency set created_at = now() - interval '24 hours'`)
    expect(await create('Two')).toMatchObject({ status: 201, body: { data: { title: 'Two' } } })
    expect((await create('Two')).headers['idempotency-replayed']).toBe('true')
    expect(await count('plinth.idempotency')).toBe(1)
  })

  test('an answer that is too large to be kept is refused before anything is changed', async () => {
    const body = Array.from({ length: 5 }, (_, i) => ({ title: `${i}${'x'.repeat(900_000)}` }))
    await api.app.db.query('alter table tasks drop constraint if exists tasks_title_key, drop constraint if exists tasks_title_unique')
    const large = await testApp(definition, { url, environment: { BODY_LIMIT: '8MB' } })
    onTestFinished(() => large.close())
    await large.app.db.query('alter table tasks drop constraint if exists tasks_title_key, drop constraint if exists tasks_title_unique')
    const reply = await withKey({ method: 'POST', path: '/api/tasks', body }, 'key-1', large.app)
    expect(reply).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_ANSWER_TOO_LARGE' } })
    expect((await large.get('/api/tasks?count=exact&fields=id')).body.meta.total).toBe(0)
  })

  test('a custom route does its work once and answers the same', async () => {
    const pay = (amount: number, key?: string): Promise<TestReply> =>
      key === undefined ? api.post('/pay', { amount }) : withKey({ method: 'POST', path: '/pay', body: { amount } }, key)
    const first = await pay(3, 'p3')
    expect(essence(first)).toEqual([201, 'paid', undefined, '/pay/3', 'text/plain; charset=utf-8'])
    expect(essence(await pay(3, 'p3'))).toEqual(essence(first))
    expect(await pay(4, 'p4')).toMatchObject({ status: 200, headers: { 'content-type': 'application/octet-stream' } })
    expect((await pay(4, 'p4')).headers['content-length']).toBe('2')
    const bytes = { status: 200, headers: { 'content-type': 'application/octet-stream', 'content-length': '2' } }
    expect([await pay(8, 'p8'), await pay(8, 'p8')]).toMatchObject([bytes, bytes])
    expect([(await pay(5, 'p5')).status, (await pay(5, 'p5')).status]).toEqual([204, 204])
    expect(await count('watched')).toBe(4)
    expect((await pay(5)).status).toBe(204)
    expect(await count('watched')).toBe(5)
  })

  test.each([6, 7])('a custom route that answers with a stream is told that it cannot, and has done nothing (%i)', async (amount) => {
    const request: TestRequest = { method: 'POST', path: '/pay', body: { amount } }
    for (const reply of [await withKey(request), await api.post('/pay', { amount })])
      expect([reply.status, reply.text]).toEqual([500, expect.stringContaining('IDEMPOTENCY_STREAM')])
    expect([await count('watched'), await count('plinth.idempotency')]).toEqual([0, 0])
  })

  test.each([
    [1, 409],
    [2, 402],
  ])('a custom route that refuses, by a throw or by its status, has done nothing (%i)', async (amount, status) => {
    const request: TestRequest = { method: 'POST', path: '/pay', body: { amount } }
    expect([(await withKey(request)).status, (await withKey(request)).status, (await api.post('/pay', { amount })).status]).toEqual([
      status,
      status,
      status,
    ])
    expect([await count('watched'), await count('plinth.idempotency')]).toEqual([0, 0])
  })

  test('without the table the answer says what to run', async () => {
    const bare = await testApp(definition, { url })
    onTestFinished(() => bare.close())
    await bare.app.db.query('drop schema plinth cascade')
    const refusal = { status: 500, body: { code: 'IDEMPOTENCY_NOT_INSTALLED', hint: expect.stringContaining('plinth db upgrade') } }
    expect(await create('One', 'key-1', bare.app)).toMatchObject(refusal)
    expect((await bare.post('/api/tasks', { title: 'One' })).status).toBe(201)
  })

  test('a role that may not use the table is told of too', async () => {
    const [role, database] = [`role_${randomUUID().slice(0, 8)}`, new URL(api.url)]
    await api.app.db.query(`create role ${role} login password 'x'`)
    onTestFinished(async () => void (await api.app.db.query(`drop owned by ${role}; drop role ${role}`)))
    await api.app.db.query(`grant all on tasks, tasks_id_seq to ${role}`)
    database.username = role
    const limited = await otherProcess({ DATABASE_URL: database.href })
    expect(await create('One', 'key-1', limited)).toMatchObject({
      status: 500,
      body: { code: 'IDEMPOTENCY_NOT_INSTALLED', hint: expect.stringContaining('grant') },
    })
  })
})

/** Sessions that wait for another transaction. */
async function waiting({ app }: TestApp): Promise<number> {
  const rows = await app.db.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}
