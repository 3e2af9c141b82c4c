import { expect, onTestFinished, test } from 'vitest'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import type { Redis } from './redis.ts'

interface Heard {
  readonly messages: string[]
  gaps: number
  readonly stop: () => void
}

function listen(redis: Redis, channel = 'changes'): Heard {
  const heard: { messages: string[]; gaps: number; stop: () => void } = { messages: [], gaps: 0, stop: () => undefined }
  heard.stop = redis.subscribe(
    channel,
    (message) => heard.messages.push(message),
    () => (heard.gaps += 1),
  )
  return heard
}

test('what is published reaches every listener of the channel, in order, in every process of the application and in no other', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const { redis: second } = await testRedis(server.url)
  const { redis: stranger } = await testRedis(server.url, { name: 'stranger' })
  const heard = [listen(redis), listen(redis), listen(second)]
  const others = [listen(redis, 'other'), listen(stranger)]
  await until(() => [...heard, ...others].every(({ gaps }) => gaps > 0))
  for (const message of ['one', 'two', 'drei ☃']) await redis.publish('changes', message)
  await until(() => heard.every(({ messages }) => messages.length === 3))
  for (const { messages } of heard) expect(messages).toEqual(['one', 'two', 'drei ☃'])
  for (const { messages } of others) expect(messages).toEqual([])
})

test('who leaves hears nothing more, and the channel is left with the last', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const [first, second] = [listen(redis), listen(redis)]
  await until(() => first.gaps > 0 && second.gaps > 0)
  first.stop()
  await redis.publish('changes', 'one')
  await until(() => second.messages.length === 1)
  second.stop()
  await until(
    async () => (await server.command('PUBSUB', 'NUMSUB', 'plinth:test:changes')).startsWith('*') && (await subscribers(server)) === 0,
  )
  expect(first.messages).toEqual([])
  const third = listen(redis)
  await until(() => third.gaps > 0)
  await redis.publish('changes', 'two')
  await until(() => third.messages.length === 1)
})

async function subscribers(server: { command(...words: string[]): Promise<string> }): Promise<number> {
  return Number((await server.command('EVAL', '"return', "redis.call('pubsub','numsub','plinth:test:changes')[2]\"", '0')).slice(1))
}

test('a gap is told when the connection is lost and when it is back, and messages come again', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const heard = listen(redis)
  await until(() => heard.gaps === 1)
  await server.stop()
  await until(() => heard.gaps === 2)
  await server.start()
  const lost = heard.gaps
  await until(() => heard.gaps > lost && redis.usable)
  await until(async () => {
    await redis.publish('changes', 'again').catch(() => undefined)
    return heard.messages.includes('again')
  })
  expect(heard.gaps).toBe(lost + 1)
})

test('a gap is told when the server falls silent', async () => {
  const server = await redisServer()
  const proxy = await startTcpProxy(server.port)
  onTestFinished(() => proxy.close())
  const { redis } = await testRedis(`redis://127.0.0.1:${proxy.port}`)
  const heard = listen(redis)
  await until(() => heard.gaps === 1)
  proxy.freeze()
  await until(() => heard.gaps === 2)
  expect(heard.messages).toEqual([])
  proxy.thaw()
  await until(() => heard.gaps > 2)
})
