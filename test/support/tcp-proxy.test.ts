import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** Answers each chunk with a sign of its own before it, and keeps what it got. */
async function startEcho(sign: string): Promise<{ port: number; received(): string }> {
  const sockets = new Set<Socket>()
  let received = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (chunk) => {
      received += chunk.toString()
      socket.write(sign + chunk.toString())
    })
    socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  return { port: (server.address() as { port: number }).port, received: () => received }
}

async function proxyOf(port: number): Promise<TcpProxy> {
  const proxy = await startTcpProxy(port)
  onTestFinished(() => proxy.close())
  return proxy
}

interface Client {
  readonly socket: Socket
  received(): string
}

async function clientOf(proxy: TcpProxy): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString()))
  await once(socket, 'connect')
  return { socket, received: () => received }
}

describe('the proxy of tests', () => {
  test('passes bytes on and records them', async () => {
    const proxy = await proxyOf((await startEcho('>')).port)
    const { socket, received } = await clientOf(proxy)
    socket.write('a')
    await expect.poll(received).toBe('>a')
    expect([proxy.fromClient.join(''), proxy.fromServer.join(''), proxy.accepted()]).toEqual(['a', '>a', 1])
  })

  test('late chunks keep their order, and their lateness', async () => {
    const proxy = await proxyOf((await startEcho('')).port)
    const { socket, received } = await clientOf(proxy)
    proxy.delay({ ms: 30, jitterMs: 30 })
    const begin = performance.now()
    const sent = Array.from({ length: 40 }, (_, index) => `${index},`)
    for (const text of sent) {
      socket.write(text)
      await sleep(1)
    }
    await expect.poll(received).toBe(sent.join(''))
    expect(performance.now() - begin).toBeGreaterThan(60)
    proxy.delay(undefined)
    socket.write('now')
    await expect.poll(received).toBe(`${sent.join('')}now`)
  })

  test('one way alone can be late', async () => {
    const echo = await startEcho('>')
    const proxy = await proxyOf(echo.port)
    const { socket, received } = await clientOf(proxy)
    proxy.delay({ ms: 60_000, jitterMs: 0 }, ['from server'])
    socket.write('a')
    await expect.poll(echo.received).toBe('a')
    await sleep(20)
    expect(received()).toBe('')
  })

  test('what was sent late arrives, although the client has gone since', async () => {
    const echo = await startEcho('>')
    const proxy = await proxyOf(echo.port)
    const { socket } = await clientOf(proxy)
    proxy.delay({ ms: 50, jitterMs: 0 }, ['from client'])
    socket.end('late')
    socket.destroySoon()
    await once(socket, 'close')
    expect(echo.received()).toBe('')
    await expect.poll(echo.received).toBe('late')
  })

  test('a black hole takes connections and gives nothing; what was sent into it arrives when it ends', async () => {
    const echo = await startEcho('>')
    const proxy = await proxyOf(echo.port)
    const old = await clientOf(proxy)
    proxy.freeze(['from client', 'from server'])
    const fresh = await clientOf(proxy)
    old.socket.write('old,')
    fresh.socket.write('new,')
    await sleep(30)
    expect([echo.received(), old.received(), fresh.received()]).toEqual(['', '', ''])
    proxy.thaw()
    await expect.poll(() => [old.received(), fresh.received()]).toEqual(['>old,', '>new,'])
  })

  test('it can refuse, and go on to another server', async () => {
    const [first, second] = [await startEcho('1'), await startEcho('2')]
    const proxy = await proxyOf(first.port)
    const { socket } = await clientOf(proxy)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await proxy.refuse()
    await closed
    const refused = connect(proxy.port, '127.0.0.1')
    expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
    proxy.pointTo(second.port)
    await proxy.accept()
    const client = await clientOf(proxy)
    client.socket.write('a')
    await expect.poll(client.received).toBe('2a')
  })
})
