import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HttpConnection, NoAnswer } from './http-connection.ts'

/** A connection to a server that does with each of its connections what it is told. */
async function connectionTo(serve: (socket: Socket) => void, deadlineMs = 5_000): Promise<HttpConnection> {
  const server = createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = await HttpConnection.open((server.address() as { port: number }).port, deadlineMs)
  onTestFinished(() => {
    connection.close()
    server.close()
  })
  return connection
}

async function dribble(socket: Socket, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) {
    socket.write(Buffer.from([byte]))
    await sleep(0)
  }
}

const reply = (body: string): string => `HTTP/1.1 200 OK\r\nX-Cache: hit\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

describe('a connection of the clients', () => {
  test('one request after the other, on one connection', async () => {
    const requests: string[] = []
    const connection = await connectionTo((socket) =>
      socket.on('data', (chunk) => {
        requests.push(chunk.toString())
        socket.write(reply(`ü${requests.length}`))
      }),
    )
    expect(await connection.send('GET', '/a')).toEqual({ status: 200, cache: 'hit', body: 'ü1' })
    expect(await connection.send('PATCH', '/b', '{"value":1}')).toMatchObject({ body: 'ü2' })
    expect(requests[0]).toMatch(/^GET \/a HTTP\/1.1\r\n/)
    expect(requests[1]).toMatch(/content-length: 11\r\n\r\n\{"value":1\}$/)
  })

  test('an answer may come byte by byte', async () => {
    const connection = await connectionTo((socket) => socket.once('data', () => void dribble(socket, reply('é'))))
    expect(await connection.send('GET', '/')).toMatchObject({ status: 200, body: 'é' })
    expect(connection.isOpen).toBe(true)
  })

  test('a lost connection and a silent server are no answer', async () => {
    const lost = await connectionTo((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await expect(lost.send('GET', '/')).rejects.toBeInstanceOf(NoAnswer)
    const silent = await connectionTo(() => undefined, 20)
    await expect(silent.send('GET', '/')).rejects.toThrow('within 20 ms')
    expect([lost.isOpen, silent.isOpen]).toEqual([false, false])
  })

  test('when nobody listens there is no connection', async () => {
    await expect(HttpConnection.open(1, 100)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
