import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { actAs, header, user } from '../../test/support/act-as.ts'
import { newsroom, seedSql } from '../../test/support/newsroom.ts'
import { callers, seed, tenancy } from '../../test/support/tenancy.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { testApp } from '../testing/test-app.ts'

test('?explain=access says which rule decided, by which condition, and what it says of the record', async () => {
  const app = await testApp(newsroom, { url: testDatabase().url, environment: { APP_ENV: 'development' } })
  onTestFinished(() => app.close())
  actAs(app.app, { ada: user(1, { tenant: '5' }) })
  await app.app.db.query(seedSql)
  const { status, body } = await app.get('/api/either/4?explain=access', { [header]: 'ada' })
  expect(status).toBe(200)
  expect(body).toMatchObject({ resource: 'either', caller: { kind: 'user', id: '1', tenant: '5' }, exists: true, hiddenFields: ['fee'] })
  expect(body.operations.get).toMatchObject({
    answer: 'some rows',
    record: 'no',
    parts: [{ answer: 'some rows' }, { policy: "owner('author_id')", answer: 'some rows' }, { policy: "role('chief')", answer: 'no' }],
    condition: { values: ['published', '1'] },
  })
  expect((await app.get('/api/either/2?explain=access', { [header]: 'ada' })).body.operations.update.record).toBe('yes')
  expect((await app.get('/api/either/99?explain=access', { [header]: 'ada' })).body.exists).toBe(false)
  expect((await app.get('/api/either?explain=access')).body.operations.update).toMatchObject({ answer: 'some rows' })
  expect(await app.get('/api/editors?explain=access')).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
  expect(await app.get('/api/editors/1?explain=access')).toMatchObject({ status: 401 })
})

test('it names the tenant whose records are meant', async () => {
  const app = await testApp(tenancy, { url: testDatabase().url, environment: { APP_ENV: 'development' } })
  onTestFinished(() => app.close())
  actAs(app.app, callers)
  await seed(app.app)
  const { body } = await app.get('/api/notes/2?explain=access', { [header]: 'north' })
  expect(body.operations.get).toMatchObject({ answer: 'yes', may: 'some rows', tenant: 'organization_id = 1' })
  // Behind the wall of the database the record of another tenant is not there at all.
  expect(body.exists).toBe(false)
  expect(body.operations.get.condition).toMatchObject({ sql: expect.stringContaining('"organization_id" = $1'), values: ['1'] })
  expect((await app.get('/api/notes/2?explain=access', { [header]: 'south' })).body.operations.delete).toMatchObject({ record: 'yes' })
  expect((await app.get('/api/comments?explain=access')).body.operations.list).not.toHaveProperty('tenant')
  expect(await app.get('/api/notes?explain=access', { [header]: 'homeless' })).toMatchObject({ status: 403 })
  const list = (await app.get('/api/notes?explain', { [header]: 'north' })).body.statements[0]
  expect(list).toMatchObject({ sql: expect.stringContaining('"organization_id" = $'), values: ['1'] })
})

const secret = (): string => randomBytes(32).toString('base64url')

test.each(['production', 'test'])('in %s nobody is told', async (APP_ENV) => {
  const environment = { APP_ENV, SECRET_KEY: secret(), JWT_SECRET_KEY: secret() }
  const app = await testApp(newsroom, { url: testDatabase().url, environment })
  onTestFinished(() => app.close())
  expect(await app.get('/api/open?explain=access')).toMatchObject({ status: 400, body: { code: 'REST_UNKNOWN_PARAMETER' } })
})
