// Reads and writes that meet. Each test has a control: the same with one rule of the protocol left out, which must go wrong.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { type CachedApp, cachedApps, watchReads } from '../../test/support/cached-app.ts'
import { holdRead, isVersionQuestion } from '../../test/support/held-reads.ts'
import type { CacheFaults } from './faults.ts'

const cache = '5m'
const cached = blog({ posts: { cache }, comments: { cache }, authors: { cache } })
const sql = `insert into authors (name) values ('Ada');
  insert into posts (author_id, title) values (1, 'old'), (1, 'other');
  insert into comments (post_id, text) values (1, 'wandering')`

async function start(faults: CacheFaults = {}, definition = cached): Promise<[CachedApp, CachedApp]> {
  const apps = await cachedApps(definition, { sql, internals: [{ faults }, { faults }] })
  return apps as [CachedApp, CachedApp]
}

const isData = (text: string): boolean => !isVersionQuestion(text) && text.includes('"posts"')

async function title(app: CachedApp, path = '/api/posts?fields=title'): Promise<unknown> {
  const { body } = await app.get(path)
  return body.data[0].title
}

/** A reader that comes after a write, while a fill that began before it is under way. */
async function lateReader(faults: CacheFaults): Promise<unknown> {
  const [app, other] = await start(faults)
  const fill = holdRead(app.db, isData)
  const early = title(app)
  await fill.answered
  await other.patch('/api/posts/1', { title: 'new' })
  const late = title(app)
  await sleep(50)
  fill.release()
  expect(['old', 'new']).toContain(await early)
  return late
}

test('a reader that comes after a write never gets what a fill has read before it', async () => {
  expect(await lateReader({})).toBe('new')
})

test('control: joining any fill of the same read gives it', async () => {
  expect(await lateReader({ joinAnyFill: true })).toBe('old')
})

/** The same while a question for the version is under way, and a copy is there. */
async function lateQuestion(faults: CacheFaults): Promise<unknown> {
  const [app, other] = await start(faults)
  await title(app)
  const question = holdRead(app.db, isVersionQuestion)
  const early = title(app)
  await question.answered
  await other.patch('/api/posts/1', { title: 'new' })
  const late = title(app)
  await sleep(50)
  question.release()
  expect(['old', 'new']).toContain(await early)
  return late
}

test('a reader that comes after a write is not told the version that was asked for before it', async () => {
  expect(await lateQuestion({})).toBe('new')
})

test('control: joining any question for the version tells it', async () => {
  expect(await lateQuestion({ joinAnyQuestion: true })).toBe('old')
})

test('control: an entry without a version is given after a write', async () => {
  const [app, other] = await start({ ignoreVersion: true })
  await title(app)
  await other.patch('/api/posts/1', { title: 'new' })
  expect(await title(app)).toBe('old')
})

/** A record moves from one parent to another between the statements of a fill. @returns how often the reply has it, then and at the next read */
async function movedWhileFilling(faults: CacheFaults): Promise<[number, number]> {
  const near = { ttl: '5m', near: '1m' }
  const [app, other] = await start(faults, blog({ posts: { cache: near }, comments: { cache } }))
  const path = '/api/posts?include=comments&sort=id'
  const count = async (): Promise<number> => {
    const { body } = await app.get(path)
    return body.data.flatMap(({ comments }: { comments: unknown[] }) => comments).length
  }
  const rows = holdRead(app.db, isData)
  const first = count()
  await rows.answered
  await other.db.query('delete from comments')
  await other.db.query("insert into comments (post_id, text) values (1, 'a'), (2, 'b')")
  rows.release()
  const filled = await first
  await other.db.query('delete from posts where id = 2')
  return [filled, await count()]
}

test('what was read while a write came in between is answered and not kept', async () => {
  const [, next] = await movedWhileFilling({})
  expect(next).toBe(1)
})

test('control: without asking for the version again it is kept', async () => {
  const [first, next] = await movedWhileFilling({ skipConfirmation: true })
  expect([first, next]).toEqual([2, 2])
})

test('many readers of one version cost one fill', async () => {
  const [app] = await start()
  const read = watchReads(app.db)
  const replies = await Promise.all(Array.from({ length: 100 }, () => app.get('/api/posts?include=comments')))
  const texts = read()
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
  expect(texts.filter((text) => !isVersionQuestion(text))).toHaveLength(2)
  // The first reader's, that of those who came with it, and the one behind the fill.
  expect(texts.filter(isVersionQuestion).length).toBeLessThanOrEqual(4)
})

test('control: as many readers without a cache cost a fill each', async () => {
  const [app] = (await cachedApps(blog(), { sql })) as [CachedApp]
  const { db } = app
  const anywhere = db.anywhere.bind(db)
  expect(anywhere()).toBe(db)
  const read = watchReads(db)
  await Promise.all(Array.from({ length: 100 }, () => app.get('/api/posts?include=comments')))
  expect(read()).toHaveLength(200)
})

test('a write that is rolled back changes nothing, and neither does its transaction while it is open', async () => {
  const [app, other] = await start()
  const before = await app.get('/api/posts')
  const work = other.db.transaction(async () => {
    await other.db.query("update posts set title = 'never'")
    expect((await app.get('/api/posts')).text).toBe(before.text)
    throw new Error('changed my mind')
  })
  await expect(work).rejects.toThrow('changed my mind')
  const after = await app.get('/api/posts')
  expect([after.text, after.headers['x-cache']]).toEqual([before.text, 'hit'])
})

async function readInTransaction(faults: CacheFaults): Promise<unknown> {
  const [app] = await start(faults, blog({ posts: { cache: { ttl: '5m', near: '1m' } } }))
  const posts = app.app.resource('posts')
  await posts.get(1)
  return app.db.transaction(async () => {
    await posts.patch(1, { title: 'mine' })
    return (await posts.get(1))?.['title']
  })
}

test('a transaction reads what it has written, where a near copy is of before', async () => {
  expect(await readInTransaction({})).toBe('mine')
})

test('control: with the copy it reads what was before', async () => {
  expect(await readInTransaction({ cacheInTransactions: true })).toBe('old')
})

test('a fill that fails fails those who wait for it, and is forgotten', async () => {
  const [app] = await start()
  const { readAll } = app.db
  Object.assign(app.db, { readAll: () => Promise.reject(new Error('the database has gone')) })
  const failed = await Promise.all([app.get('/api/posts'), app.get('/api/posts')])
  expect(failed.map(({ status }) => status)).toEqual([500, 500])
  Object.assign(app.db, { readAll })
  expect((await app.get('/api/posts')).status).toBe(200)
})
