import { Client, Connection } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../../test/support/postgres.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { takeSocket } from './pg-socket.ts'

test('pg still has the members that its types leave out', async () => {
  const client = new Client({ connectionString: testDatabase().url })
  await client.connect()
  onTestFinished(() => client.end())
  expect(client).toMatchObject({ processID: expect.any(Number), secretKey: expect.any(Number), ssl: false, sslNegotiation: 'postgres' })
  expect(new Connection({})).toMatchObject({
    connect: expect.any(Function),
    requestSsl: expect.any(Function),
    cancel: expect.any(Function),
  })
})

test('a taken socket has no listener of pg for its bytes', async () => {
  const { client, socket } = await takeSocket({ connectionString: testDatabase().url })
  expect(socket.listenerCount('data')).toBe(0)
  await client.end()
})

test('a greeting that ends in a part of another message is refused, because pg has kept that part', async () => {
  const url = new URL(testDatabase().url)
  const notice = Buffer.from('4e000000', 'hex')
  const proxy = await startTcpProxy(Number(url.port), (chunk) =>
    chunk.subarray(-6, -1).equals(Buffer.from('5a00000005', 'hex')) ? Buffer.concat([chunk, notice]) : chunk,
  )
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  await expect(takeSocket({ connectionString: url.href })).rejects.toMatchObject({ code: 'ECONNRESET' })
})
