import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../test/support/postgres-server.ts'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import { startRedis } from '../../test/support/redis-server.ts'
import { removeFolder, temporaryFolder } from '../../test/support/temporary.ts'
import { defineScript } from './script.ts'

test('a Redis that is not there is said once, and used when it comes', async () => {
  const server = await redisServer()
  await server.stop()
  const { redis, lines } = await testRedis(server.url)
  expect(redis.usable).toBe(false)
  await expect(redis.get('a')).rejects.toMatchObject({ name: 'RedisUnavailable', reason: 'offline' })
  await expect(redis.info()).rejects.toMatchObject({ reason: 'offline' })
  expect(await redis.health()).toMatchObject({ ok: false, error: `connect ECONNREFUSED 127.0.0.1:${server.port}` })
  await server.start()
  await until(() => redis.usable)
  expect(lines).toEqual([`Redis is not used: connect ECONNREFUSED 127.0.0.1:${server.port}`, 'Redis is used again'])
})

test('a password that is wrong is said once without showing it, and used when the server takes it', async () => {
  const server = await redisServer({ requirepass: 'right-password' })
  const { redis, lines } = await testRedis(server.url.replace('right-password', 'canary-password'))
  await expect(redis.get('a')).rejects.toMatchObject({ reason: 'offline' })
  expect(await redis.health()).toMatchObject({ ok: false, reason: 'denied', error: expect.stringContaining('WRONGPASS') as string })
  await server.command('CONFIG', 'SET', 'requirepass', 'canary-password')
  await until(() => redis.usable)
  expect(lines).toHaveLength(2)
  expect(lines.join()).not.toContain('canary')
})

/** As docs/operate/redis.md has them. */
const rules = (name: string): string[] =>
  `~plinth:${name}:* &plinth:${name}:* -@all +get +set +del +unlink +evalsha +eval +@hash +@set +publish +subscribe +unsubscribe +scan +ping +info +select +cluster|slots +time +exists +expire +pexpire`.split(
    ' ',
  )

test('a user with the permissions of the manual can do everything, and nothing with keys of others', async () => {
  const server = await redisServer()
  await server.command('ACL', 'SETUSER', 'app', 'on', '>secret', ...rules('test'))
  const url = server.url.replace('redis://', 'redis://app:secret@')
  const { redis } = await testRedis(url)
  await redis.set('a', Buffer.from('x'), 60_000)
  expect(await redis.run(defineScript(`return redis.call('get', KEYS[1])`), ['a'], [])).toEqual(Buffer.from('x'))
  expect(await redis.delete(['a'])).toBe(1)
  expect(await redis.clear('')).toBe(0)
  expect(await redis.info()).toHaveLength(1)
  expect(await redis.health()).toMatchObject({ ok: true })
  const messages: string[] = []
  let gaps = 0
  redis.subscribe(
    'channel',
    (message) => messages.push(message),
    () => (gaps += 1),
  )
  await until(() => gaps > 0)
  await redis.publish('channel', 'hello')
  await until(() => messages.length > 0)
  const { redis: other } = await testRedis(url, { name: 'other' })
  await expect(other.get('a')).rejects.toMatchObject({ reason: 'denied' })
  expect(other.usable).toBe(true)
  expect(await other.health()).toMatchObject({ ok: false, reason: 'denied' })
})

/** Accepts connections and does with them what `greet` does. */
async function impostor(greet: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    open.forEach((socket) => socket.destroy())
    server.close()
  })
  const address = server.address()
  return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

test.each([
  ['speaks another language', (socket: Socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ['says nothing', () => undefined],
  ['hangs up', (socket: Socket) => socket.end()],
])('a server that %s is not used', async (_what, greet) => {
  const { redis, lines } = await testRedis(await impostor(greet))
  expect(redis.usable).toBe(false)
  expect(await redis.health()).toMatchObject({ ok: false })
  await expect(redis.get('a')).rejects.toMatchObject({ reason: 'offline' })
  await expect.poll(() => lines, { timeout: 5_000 }).toHaveLength(1)
})

test('the connection is encrypted when the URL says so, and the certificate must be right', async () => {
  const folder = temporaryFolder('redis-tls')
  onTestFinished(() => removeFolder(folder))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  })
  for (const [path, mode] of [
    [folder, 0o755],
    [key, 0o644],
    [certificate, 0o644],
  ] as const)
    chmodSync(path, mode)
  const port = await freePort()
  const server = await startRedis({ 'tls-port': String(port), 'tls-cert-file': certificate, 'tls-key-file': key, 'tls-auth-clients': 'no' })
  onTestFinished(() => server.destroy())
  const url = `rediss://127.0.0.1:${port}`
  const { redis: distrustful } = await testRedis(url)
  expect(await distrustful.health()).toMatchObject({ ok: false, error: expect.stringMatching(/self-signed/) as string })
  const trusted = getCACertificates()
  onTestFinished(() => setDefaultCACertificates(trusted))
  setDefaultCACertificates([...trusted, readFileSync(certificate, 'utf8')])
  const { redis } = await testRedis(url)
  await redis.set('a', Buffer.from('x'), 60_000)
  expect(await redis.get('a')).toEqual(Buffer.from('x'))
})
