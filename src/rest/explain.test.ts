import { afterAll, beforeAll, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

let development: TestApp
beforeAll(async () => {
  development = await testApp(blog(), { url: testDatabase().url, environment: { APP_ENV: 'development' } })
})
afterAll(() => development.close())

test('in development ?explain shows the SQL of a list with its values and plan, and that of every include', async () => {
  const { body } = await development.get('/api/posts?filter[title]=x&include=author.comments&explain')
  const [list, ...includes] = body.statements
  expect(list.sql).toMatch(/^select t\."id", .* from "posts" t where t\."title" = \$1::\w+ order by t\."id" limit 26$/)
  expect(list.values).toEqual(['x'])
  expect(list.plan.join('\n')).toContain('on posts t')
  expect(includes.map(({ sql }: { sql: string }) => sql.match(/ from "(\w+)"/)?.[1])).toEqual(['authors', 'comments'])
})

test('a parameter that only looks like it is not taken for it', async () => {
  expect((await development.get('/api/posts?filter[title]=explain')).body.data).toEqual([])
})

test('outside of development it is a parameter that does not exist', async () => {
  const other = await testApp(blog(), { url: testDatabase().url })
  try {
    expect(await other.get('/api/posts?explain')).toMatchObject({ status: 400, body: { code: 'REST_UNKNOWN_PARAMETER' } })
  } finally {
    await other.close()
  }
})
