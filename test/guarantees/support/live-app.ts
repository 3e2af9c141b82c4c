// A whole application that listens on a socket, on a database of its own with a few records in it.

import type { AppDefinition } from 'plinth'
import { type TestApp, testApp } from '../../../src/testing/test-app.ts'
import { testDatabase } from '../../support/postgres.ts'
import { type Caller, callerOf } from './caller.ts'

export interface LiveApp extends Caller {
  readonly test: TestApp
  stop(): Promise<void>
}

/**
 * @param environment  settings, by variable name
 * @param server       URL of the PostgreSQL server
 */
export async function liveApp(
  definition: AppDefinition,
  environment: Record<string, string> = {},
  server: string = testDatabase().url,
): Promise<LiveApp> {
  const test = await testApp(definition, { url: server, environment: { API_HOST: '127.0.0.1', ...environment } })
  const { url } = await test.app.start()
  const caller = callerOf(Number(new URL(url).port))
  return {
    ...caller,
    test,
    async stop() {
      caller.close()
      await test.close()
    },
  }
}

/** Records of the blog that requests can find: three authors, five posts, tags, comments and ratings. */
export async function fillBlog({ app }: TestApp): Promise<void> {
  await app.resource('authors').createMany(['Ada', 'Bo', 'Cy'].map((name) => ({ name, email: `${name.toLowerCase()}@example.org` })))
  await app.resource('posts').createMany(
    [1, 2, 3, 4, 5].map((id) => ({
      author_id: (id % 3) + 1,
      title: `Post ${id}`,
      body: `words of post ${id}`,
      price: `${id}.5`,
      labels: ['a', 'b'],
      extra: { id },
    })),
  )
  await app.resource('tags').createMany(['red', 'green'].map((name) => ({ name })))
  await app.resource('comments').createMany([1, 2, 3].map((id) => ({ post_id: id, author_id: id, text: `comment ${id}` })))
  await app.resource('ratings').createMany([1, 2, 3].map((id) => ({ post_id: id, critic: `critic ${id}`, stars: id })))
}
