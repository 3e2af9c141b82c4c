// What is promised of item lookups: the first comes from the database, later ones from Redis, and a write is seen at once.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import { countStatements } from '../../../test/support/count-statements.ts'
import { hasRedis, startRedis, type RedisServer } from '../../../test/support/redis-server.ts'
import definition from '../api/app.ts'

describe.skipIf(!hasRedis())('lookups of items', () => {
  let redis: RedisServer
  let app: TestApp
  beforeAll(async () => {
    redis = await startRedis()
    app = await testApp(definition, { environment: { REDIS_URL: redis.url } })
    await untilFenced()
  })
  afterAll(async () => {
    await app.close()
    await redis.destroy()
  })

  /** The fenced cache is on when every transaction has ended that was open at the start, of whatever application; until then hits are verified. */
  async function untilFenced(): Promise<void> {
    for (const deadline = Date.now() + 50_000; ; await sleep(20)) {
      const { body } = await app.get('/health/details')
      if (body.checks.cache.fenced.ok === true) return
      if (Date.now() > deadline) throw new Error(`The fenced cache is not switched on: ${JSON.stringify(body.checks.cache)}`)
    }
  }

  /** The address of an item that Redis has. */
  async function keptItem(): Promise<string> {
    const { body } = await app.post('/api/items', { name: 'Hammer' })
    const address = `/api/items/${body.id}`
    await untilHit(address)
    return address
  }

  /** An answer is kept after it was given, so the next lookup may come too early to find it. */
  async function untilHit(address: string): Promise<void> {
    for (const deadline = Date.now() + 20_000; (await app.get(address)).headers['x-cache'] !== 'hit'; await sleep(20))
      if (Date.now() > deadline) throw new Error(`${address} does not come from Redis.`)
  }

  test('the first is a miss; later ones are the same bytes, without a statement to the database', async () => {
    const { body } = await app.post('/api/items', { name: 'Saw', description: 'Cuts wood.' })
    const address = `/api/items/${body.id}`
    const first = await app.get(address)
    expect(first.headers['x-cache']).toBe('miss')
    await untilHit(address)
    const statements = await countStatements(app.app.db, async () => {
      for (let time = 0; time < 10; time += 1) {
        const later = await app.get(address)
        expect([later.headers['x-cache'], later.text, later.headers['etag']]).toEqual(['hit', first.text, first.headers['etag']])
      }
    })
    expect(statements).toBe(0)
  })

  test('they are kept for five minutes, more or less by a tenth', async () => {
    const [id] = (await keptItem()).split('/').slice(-1)
    const answer = await redis.command('EVAL', `return(redis.call([[pttl]],redis.call([[keys]],[[*:r:*:${id}]])[1]))`, '0')
    const remainingMs = Number(answer.slice(1))
    expect(remainingMs).toBeGreaterThan(240_000)
    expect(remainingMs).toBeLessThanOrEqual(330_000)
  })

  test.each(['PUT', 'PATCH'])('a %s is seen by the next lookup', async (method) => {
    const address = await keptItem()
    const changed = await app.request({ method, path: address, body: { name: 'Mallet' } })
    expect(changed.body).toMatchObject({ name: 'Mallet' })
    expect((await app.get(address)).text).toBe(changed.text)
  })

  test('a deleted item is gone at once', async () => {
    const address = await keptItem()
    await app.delete(address)
    expect((await app.get(address)).status).toBe(404)
  })

  test('with Redis stopped the answers are the same; when it is back it is used again', async () => {
    const address = await keptItem()
    const { text } = await app.get(address)
    await redis.stop()
    expect(await app.get(address)).toMatchObject({ status: 200, text })
    const changed = await app.patch(address, { name: 'Changed without Redis' })
    expect([changed.status, (await app.get(address)).text]).toEqual([200, changed.text])
    await redis.start()
    expect(await rowsBack(address)).toBe(true)
    expect((await app.get(address)).text).toBe(changed.text)
  })

  /** Waits until Redis has a row again: hits of the verified mode come from the process's own memory. */
  async function rowsBack(address: string): Promise<boolean> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
      await app.get(address)
      if ((await redis.command('EVAL', 'return#redis.call([[keys]],[[*:r:*]])', '0')) !== ':0') return true
    }
    return false
  }
})
