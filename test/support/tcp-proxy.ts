// A loopback proxy before a server, so that tests can cut, slow down, freeze, refuse and record what passes between it and its clients.

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Delay, TcpLink } from './tcp-link.ts'

export type Way = 'from server' | 'from client'

export interface TcpProxy {
  readonly port: number
  /** Every chunk that passed, in order, of all connections. */
  readonly fromServer: Buffer[]
  readonly fromClient: Buffer[]
  /** Connections accepted so far. */
  accepted(): number
  /** Resets every connection, or this share of them, chosen at random. */
  cut(share?: number): void
  /**
   * Bytes are held back until `thaw`; connections stay open and new ones are accepted. Both ways at once it is a black hole, as a network
   * is that loses every packet: when it ends, what was sent arrives late, also from a client that has gone since.
   */
  freeze(ways?: readonly Way[]): void
  thaw(): void
  /** Every chunk is late from now on, in its order; undefined: no longer. */
  delay(delay: Delay | undefined, ways?: readonly Way[]): void
  /** Stops listening, and resets every connection: new ones are refused. */
  refuse(): Promise<void>
  /** Listens again on the same port. */
  accept(): Promise<void>
  /** New connections go to another server. */
  pointTo(serverPort: number): void
  close(): Promise<void>
}

export interface TcpProxyOptions {
  /** False for a long run, whose chunks would fill the memory. */
  readonly record?: boolean
}

type Links = Readonly<Record<Way, TcpLink>>

const bothWays: readonly Way[] = ['from server', 'from client']

/**
 * @param serverPort  port on 127.0.0.1 that connections are passed on to
 * @param change      what becomes of a chunk from the server before it is passed on
 */
export async function startTcpProxy(
  serverPort: number,
  change: (chunk: Buffer) => Buffer = (chunk) => chunk,
  { record = true }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const kept: Record<Way, Buffer[]> = { 'from server': [], 'from client': [] }
  const delays: Partial<Record<Way, Delay>> = {}
  const open = new Map<Socket, Links>()
  let frozen: readonly Way[] = []
  let accepted = 0
  let target = serverPort

  const link = (way: Way, from: Socket, to: Socket): TcpLink =>
    new TcpLink(from, to, {
      delay: () => delays[way],
      record: (chunk) => record && kept[way].push(chunk),
      change: way === 'from server' ? change : (chunk) => chunk,
    })
  const join = (client: Socket): void => {
    accepted += 1
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    const links: Links = { 'from client': link('from client', client, server), 'from server': link('from server', server, client) }
    for (const way of frozen) links[way].freeze()
    open.set(client, links)
    client.once('close', () => server.once('close', () => open.delete(client)))
  }
  const each = (ways: readonly Way[], action: (link: TcpLink) => void): void =>
    open.forEach((links) => ways.forEach((way) => action(links[way])))
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, join)
  const port = await listen(listener, 0)

  const cut = (share = 1): void => {
    for (const links of open.values()) if (Math.random() < share) bothWays.forEach((way) => links[way].reset())
  }
  const refuse = async (): Promise<void> => {
    if (!listener.listening) return
    const closed = once(listener, 'close')
    listener.close()
    cut()
    await closed
  }
  return {
    port,
    fromServer: kept['from server'],
    fromClient: kept['from client'],
    accepted: () => accepted,
    cut,
    freeze(ways = ['from server']) {
      frozen = ways
      each(ways, (link) => link.freeze())
    },
    thaw() {
      frozen = []
      each(bothWays, (link) => link.thaw())
    },
    delay(delay, ways = bothWays) {
      for (const way of ways) delays[way] = delay
    },
    refuse,
    accept: async () => void (await listen(listener, port)),
    pointTo(other) {
      target = other
    },
    close: refuse,
  }
}

async function listen(listener: Server, port: number): Promise<number> {
  listener.listen(port, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.')
  return address.port
}
