import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'
import type { RedisUnavailable } from './redis.ts'
import { openWire } from './wire.ts'

const reasonOf = (command: Promise<unknown>): Promise<string> =>
  command.then(
    () => 'answered',
    (error: RedisUnavailable) => error.reason,
  )

/** How often each came. */
function counts(values: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const value of values) result[value] = (result[value] ?? 0) + 1
  return result
}

async function proxied(): Promise<{ proxy: TcpProxy; url: string }> {
  const server = await redisServer()
  const proxy = await startTcpProxy(server.port)
  onTestFinished(() => proxy.close())
  return { proxy, url: `redis://127.0.0.1:${proxy.port}` }
}

test('a frozen server costs three commands their budget, and is left alone', async () => {
  const server = await redisServer()
  const { redis, lines } = await testRedis(server.url)
  server.signal('SIGSTOP')
  const reasons: string[] = []
  for (let command = 0; command < 20; command += 1) reasons.push(await reasonOf(redis.get('a')))
  expect(counts(reasons)).toEqual({ timeout: 3, offline: 17 })
  await sleep(2_500)
  expect(await reasonOf(redis.get('a'))).toBe('offline')
  server.signal('SIGCONT')
  await until(() => redis.usable)
  expect(lines).toEqual(['Redis is not used: 3 commands had no answer within 50 ms', 'Redis is used again'])
})

test('without our deadline a command waits for a frozen server for ever', async () => {
  const server = await redisServer()
  const target = { host: '127.0.0.1', port: server.port, tls: false, database: 0 }
  const wire = await openWire(target, new AbortController().signal, () => undefined)
  onTestFinished(() => wire.close())
  server.signal('SIGSTOP')
  const command = wire.send(['GET', 'a']).catch(() => 'closed')
  expect(await Promise.race([command, sleep(1_500, 'waiting')])).toBe('waiting')
})

test('what waits for a frozen server is bounded in number', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  server.signal('SIGSTOP')
  const reasons = await Promise.all(Array.from({ length: 10_000 }, () => reasonOf(redis.get('a'))))
  expect(counts(reasons)).toMatchObject({ busy: 10_000 - 8_192 })
})

test('what waits for a frozen server is bounded in bytes, and let go of', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  server.signal('SIGSTOP')
  const before = heldBytes()
  const reasons = await Promise.all(Array.from({ length: 100 }, () => reasonOf(redis.set('a', Buffer.alloc(1_000_000), 60_000))))
  expect(counts(reasons)['busy']).toBe(33)
  await until(() => heldBytes() - before < 5_000_000)
})

test('a server that is always late is not used: late answers close no circuit', async () => {
  const { proxy, url } = await proxied()
  const { redis } = await testRedis(url)
  proxy.delay({ ms: 80, jitterMs: 5 }, ['from server'])
  const reasons: string[] = []
  for (const end = Date.now() + 3_000; Date.now() < end; await sleep(20)) reasons.push(await reasonOf(redis.get('a')))
  expect(counts(reasons)['timeout']).toBe(3)
  expect(reasons.length).toBeGreaterThan(20)
  proxy.delay(undefined)
  await until(() => redis.usable)
  expect(await reasonOf(redis.get('a'))).toBe('answered')
})

test('a server that freezes while nobody asks is found out', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  server.signal('SIGSTOP')
  await until(() => !redis.usable)
  expect(await redis.health()).toMatchObject({ ok: false, reason: 'timeout' })
})

test('a connection that is cut, or lost in the network, is replaced', async () => {
  const { proxy, url } = await proxied()
  const { redis } = await testRedis(url)
  for (let time = 0; time < 3; time += 1) {
    proxy.cut()
    await until(() => !redis.usable)
    await until(() => redis.usable)
  }
  proxy.freeze()
  await until(() => !redis.usable)
  expect(proxy.accepted()).toBeGreaterThan(3)
  proxy.thaw()
  await until(() => redis.usable)
  expect(await reasonOf(redis.get('a'))).toBe('answered')
})

test('our own standing still is not held against Redis', async () => {
  const server = await redisServer()
  const { redis, lines } = await testRedis(server.url)
  for (let time = 0; time < 5; time += 1) {
    const answers = Promise.all([redis.get('a'), redis.get('b'), redis.get('c'), redis.get('d')].map(reasonOf))
    standStill(120)
    expect(await answers).toEqual(['answered', 'answered', 'answered', 'answered'])
  }
  expect(lines).toEqual([])
})

test('a server process that is another has another run_id, before it is asked for anything', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const first = redis.runIdOf('a')
  await server.stop()
  await until(() => redis.runIdOf('a') === undefined)
  await server.start()
  await until(() => redis.usable)
  expect(redis.runIdOf('a')).toMatch(/^[\da-f]{40}$/)
  expect(redis.runIdOf('a')).not.toBe(first)
})

function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Bytes of buffers that somebody still holds. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().arrayBuffers
}
