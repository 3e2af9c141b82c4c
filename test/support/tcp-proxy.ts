// A loopback proxy before a server, so that tests can cut, freeze, refuse and record what passes between it and its clients.

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Every chunk that passed, in order, of all connections. */
  readonly fromServer: Buffer[]
  readonly fromClient: Buffer[]
  /** Connections accepted so far. */
  accepted(): number
  /** Resets every connection. */
  cut(): void
  /** Bytes from the server are held back until `thaw`; connections stay open. */
  freeze(): void
  thaw(): void
  /** Stops listening: new connections are refused. */
  refuse(): Promise<void>
  /** Listens again on the same port. */
  accept(): Promise<void>
  close(): Promise<void>
}

/**
 * @param serverPort  port on 127.0.0.1 that connections are passed on to
 * @param change      what becomes of a chunk from the server before it is passed on
 */
export async function startTcpProxy(serverPort: number, change: (chunk: Buffer) => Buffer = (chunk) => chunk): Promise<TcpProxy> {
  const fromServer: Buffer[] = []
  const fromClient: Buffer[] = []
  const open = new Set<Socket>()
  let accepted = 0
  let frozen = false

  const join = (client: Socket): void => {
    accepted += 1
    const server = connect(serverPort, '127.0.0.1')
    link(client, server, (chunk) => fromClient.push(chunk))
    link(server, client, (chunk) => fromServer.push(chunk), change)
    if (frozen) server.pause()
    open.add(client).add(server)
    client.once('close', () => [client, server].forEach((socket) => open.delete(socket)))
  }
  const servers = (): Socket[] => [...open].filter((socket) => socket.remotePort === serverPort)
  const listener = createServer({ noDelay: true }, join)
  const port = await listen(listener, 0)

  const refuse = async (): Promise<void> => {
    if (!listener.listening) return
    const closed = once(listener, 'close')
    listener.close()
    cut()
    await closed
  }
  const cut = (): void => open.forEach((socket) => socket.resetAndDestroy())
  const freeze = (): void => {
    frozen = true
    servers().forEach((socket) => socket.pause())
  }
  const thaw = (): void => {
    frozen = false
    servers().forEach((socket) => socket.resume())
  }
  const accept = async (): Promise<void> => void (await listen(listener, port))
  return { port, fromServer, fromClient, accepted: () => accepted, cut, freeze, thaw, refuse, accept, close: refuse }
}

function link(from: Socket, to: Socket, record: (chunk: Buffer) => void, change = (chunk: Buffer): Buffer => chunk): void {
  from.setNoDelay(true)
  from.on('data', (chunk) => {
    record(chunk)
    to.write(change(chunk))
  })
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
  from.on('end', () => to.end())
}

async function listen(listener: Server, port: number): Promise<number> {
  listener.listen(port, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}
