// What becomes of reads when the connection or the server goes away, freezes, or does not come back at once.

import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../../test/support/postgres.ts'
import { startPostgres } from '../../../test/support/postgres-server.ts'
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.ts'
import { textColumns } from '../rows.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'

const one = { text: 'select 1', values: [] }
const connectionId = { text: 'select pg_backend_pid()', values: [] }
/** Generous: other tests may be using the machine. */
const patient = { timeout: 10_000, interval: 20 }
const sleeping = { text: 'select pg_sleep(10)', values: [] }

async function behindProxy(
  kind: 'thin' | 'pg',
  options: Partial<ReaderOptions> = {},
): Promise<{ reader: Reader; proxy: TcpProxy; errors: Error[] }> {
  const url = new URL(testDatabase().url)
  const proxy = await startTcpProxy(Number(url.port))
  url.port = String(proxy.port)
  const errors: Error[] = []
  const reader = createReader({
    connection: { connectionString: url.href },
    connections: 1,
    statementTimeoutMs: 10_000,
    kind,
    onConnectionError: (error) => errors.push(error),
    ...options,
  })
  onTestFinished(async () => {
    proxy.cut()
    await Promise.all([reader.close(), proxy.close()])
  })
  return { reader, proxy, errors }
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  )
}

async function elapsed(promise: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await promise
  return performance.now() - startedAt
}

describe.each(['thin', 'pg'] as const)('%s', (kind) => {
  test('a connection that the server ends fails what was on it as connection loss, and the next read connects at once', async () => {
    const { reader, errors } = await behindProxy(kind)
    const [pid] = textColumns(await reader.read(connectionId), 0)
    const killer = createReader({ connection: { connectionString: testDatabase().url }, connections: 1, statementTimeoutMs: 5_000, kind })
    onTestFinished(() => killer.close())
    const reads = [reader.read(sleeping), reader.read(one)].map(codeOf)
    await sleep(100)
    await killer.read({ text: 'select pg_terminate_backend($1::int)', values: [pid ?? ''] })
    const [first, second] = await Promise.all(reads)
    expect(first).toBe('57P01')
    expect(['57P01', 'ECONNRESET']).toContain(second)
    expect(errors).toHaveLength(1)
    expect(textColumns(await reader.read(connectionId), 0)).not.toEqual([pid])
  })

  test('a connection that the server ends while idle is replaced before anybody notices', async () => {
    const { reader, errors } = await behindProxy(kind)
    const [pid] = textColumns(await reader.read(connectionId), 0)
    const killer = createReader({ connection: { connectionString: testDatabase().url }, connections: 1, statementTimeoutMs: 5_000, kind })
    onTestFinished(() => killer.close())
    await killer.read({ text: 'select pg_terminate_backend($1::int)', values: [pid ?? ''] })
    await expect.poll(() => errors.length, patient).toBe(1)
    expect(reader.stats()).toEqual({ connections: 0, inFlight: 0 })
    expect((await reader.read(one)).count).toBe(1)
  })

  test('a connection cut in the middle of a row fails its reads with ECONNRESET and leaves the others alone', async () => {
    const { reader, proxy } = await behindProxy(kind, { connections: 2 })
    await Promise.all([1, 2, 3].map(() => reader.read({ text: 'select pg_sleep(0.1)', values: [] })))
    const large = reader.read({ text: `select repeat(repeat('x', 10000), 5000)`, values: [] })
    const behind = [codeOf(large), codeOf(reader.read(sleeping))]
    await expect.poll(() => proxy.fromServer.reduce((bytes, chunk) => bytes + chunk.length, 0), patient).toBeGreaterThan(1_000_000)
    proxy.cut()
    expect(await Promise.all(behind)).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect((await reader.read(one)).count).toBe(1)
  })

  test('a read that had not left the process when its connection was lost runs on another', async () => {
    const sockets: Socket[] = []
    const stream = (): Socket => {
      const socket = new Socket()
      sockets.push(socket)
      return socket
    }
    const { reader } = await behindProxy('thin', { connection: { connectionString: testDatabase().url, stream } })
    await reader.read(one)
    const read = reader.read({ text: 'select $1', values: ['sent again'] })
    sockets[0]?.destroy(new Error('lost before the write'))
    expect(textColumns(await read, 0)).toEqual(['sent again'])
    expect(sockets).toHaveLength(2)
  })

  test('while the server is down reads fail fast and few of them knock; when it is back they succeed again', async () => {
    const { reader, proxy, errors } = await behindProxy(kind)
    await reader.read(one)
    await proxy.refuse()
    await expect.poll(() => reader.stats().connections, patient).toBe(0)
    const startedAt = performance.now()
    const codes = new Set<unknown>()
    let reads = 0
    while (performance.now() - startedAt < 1_500) {
      codes.add(await codeOf(reader.read(one)))
      reads += 1
      await sleep(1)
    }
    expect([...codes]).toEqual(['ECONNREFUSED'])
    expect(reads).toBeGreaterThan(50)
    expect(errors.length).toBeLessThan(20)
    await proxy.accept()
    await expect.poll(() => codeOf(reader.read(one)), patient).toBe('no error')
  })

  test('a server that accepts and says nothing costs the connect time-out and no more', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const accepted: Socket[] = []
    silent.on('connection', (socket) => accepted.push(socket.on('error', () => undefined)))
    onTestFinished(() => {
      accepted.forEach((socket) => socket.destroy())
      silent.close()
    })
    const { port } = silent.address() as { port: number }
    const { reader } = await behindProxy(kind, { connection: { host: '127.0.0.1', port, user: 'x', connectionTimeoutMillis: 300 } })
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(reader.read(one))))
    expect(codes).toEqual(['ETIMEDOUT', 'ETIMEDOUT', 'ETIMEDOUT'])
  })

  test('a server that freezes costs its reads READER_TIMEOUT half a second after the statement time-out', async () => {
    const { reader, proxy } = await behindProxy(kind, { statementTimeoutMs: 200 })
    await reader.read(one)
    proxy.freeze()
    const startedAt = performance.now()
    const codes = await Promise.all([reader.read(one), reader.read(one)].map(codeOf))
    expect(codes).toEqual(['READER_TIMEOUT', 'READER_TIMEOUT'])
    expect(performance.now() - startedAt).toBeGreaterThan(650)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    proxy.thaw()
    expect((await reader.read(one)).count).toBe(1)
  })

  test('as long as bytes come, reads may queue for longer than the statement time-out', async () => {
    const { reader } = await behindProxy(kind, { statementTimeoutMs: 100 })
    const reads = Array.from({ length: 6 }, () => reader.read({ text: 'select pg_sleep(0.2)', values: [] }))
    expect(await elapsed(Promise.all(reads))).toBeGreaterThan(1_100)
  })

  test('an event loop that stood still for longer than the deadline loses no read whose answer has come', async () => {
    const { reader } = await behindProxy(kind, { statementTimeoutMs: 100, connection: { connectionString: testDatabase().url } })
    await reader.read(one)
    const read = reader.read(one)
    await new Promise(setImmediate)
    for (const until = performance.now() + 900; performance.now() < until;);
    expect((await read).count).toBe(1)
  })

  test('a server that is killed and started again is read from again by the same reader', async () => {
    const server = await startPostgres(testDatabase().binaries)
    onTestFinished(() => server.destroy())
    const { reader } = await behindProxy(kind, { connection: { connectionString: server.url }, connections: 3 })
    await Promise.all([1, 2, 3, 4, 5].map(() => reader.read({ text: 'select pg_sleep(0.05)', values: [], name: 'nap' })))
    const reads = [1, 2, 3].map(() => codeOf(reader.read(sleeping)))
    await sleep(50)
    await server.stop()
    const lost = ['57P01', '57P02', 'ECONNRESET', 'EPIPE', 'ECONNREFUSED']
    for (const code of await Promise.all(reads)) expect(lost).toContain(code)
    await server.start()
    await expect.poll(() => codeOf(reader.read({ text: 'select pg_sleep(0.05)', values: [], name: 'nap' })), patient).toBe('no error')
  })

  test('a refused login is the error of every read that waited for it', async () => {
    const { reader } = await behindProxy(kind, { connection: { connectionString: testDatabase().url, database: 'no such database' } })
    const url = new URL(testDatabase().url)
    url.pathname = '/missing'
    const missing = createReader({ connection: { connectionString: url.href }, connections: 1, statementTimeoutMs: 5_000, kind })
    onTestFinished(() => missing.close())
    expect(await Promise.all([codeOf(missing.read(one)), codeOf(missing.read(one))])).toEqual(['3D000', '3D000'])
    expect((await reader.read(one)).count).toBe(1)
  })
})
