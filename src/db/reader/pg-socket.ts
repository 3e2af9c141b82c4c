// Lets `pg` make the connection (TCP or Unix socket, TLS, SCRAM, startup parameters) and tells the little that we need of it.

import type { Duplex } from 'node:stream'
import { Client, Connection, type ClientConfig } from 'pg'
import { asConnectionError, connectionLost } from './errors.ts'

const defaultConnectTimeoutMs = 5_000
const goodbyeMs = 1_000

/** Members of `pg` 8.23 that its types leave out; `pg-socket.test.ts` fails when an update of `pg` loses one. */
interface ClientInternals {
  readonly processID: number
  readonly secretKey: number
  readonly ssl: ClientConfig['ssl']
  readonly sslNegotiation: ClientConfig['sslnegotiation']
}
interface ConnectionInternals extends Connection {
  connect(port: number, host: string): void
  connect(path: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}

export interface PgSocket {
  readonly client: Client
  readonly socket: Duplex
}

/** What is said to a client that has connected, before anything else. */
export type Greeting = (client: Client) => Promise<void>

const nothing: Greeting = () => Promise.resolve()

/**
 * Connects a client.
 *
 * @param onChunk  sees what the server sends, until the socket's listeners are removed
 * @throws         the server's refusal, or an error with `code` ECONNREFUSED, ETIMEDOUT, ECONNRESET …; what the greeting throws
 */
export async function connectPg(
  config: ClientConfig,
  greet: Greeting = nothing,
  onChunk: (chunk: Buffer) => void = () => undefined,
): Promise<PgSocket> {
  const client = new Client({ ...config, connectionTimeoutMillis: config.connectionTimeoutMillis ?? defaultConnectTimeoutMs })
  client.on('error', () => undefined) // every loss is also an event of the socket, which is where the owner listens
  const listen = (): void => void client.connection.stream.on('data', onChunk)
  client.connection.once('connect', listen)
  client.connection.once('sslconnect', listen)
  try {
    await client.connect()
    await greet(client)
    return { client, socket: client.connection.stream }
  } catch (error) {
    client.connection.stream.destroy()
    throw asConnectionError(error)
  }
}

/**
 * Connects a client and takes its socket from it: from here on `pg` sees no byte.
 *
 * @throws as `connectPg`, and when the server began another message behind the one that ends its greeting: `pg`'s parser has
 *         kept a part of it, so the next byte would be read as something else
 */
export async function takeSocket(config: ClientConfig, greet?: Greeting): Promise<PgSocket> {
  let last: Buffer = Buffer.alloc(0)
  const taken = await connectPg(config, greet, (chunk) => {
    last = chunk
  })
  // `connect` and a query resolve inside of the event that brought ReadyForQuery, so no other chunk has come in between.
  taken.socket.removeAllListeners('data')
  if (endsWithReady(last)) return taken
  taken.socket.destroy()
  throw connectionLost('The server sent a part of another message with its greeting.')
}

/** ReadyForQuery: type, length, "idle". It may itself have come in pieces. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

function endsWithReady(chunk: Buffer): boolean {
  const size = Math.min(chunk.length, readyForQuery.length)
  return chunk.subarray(chunk.length - size).equals(readyForQuery.subarray(readyForQuery.length - size))
}

/** Terminate, then the end of the stream; a server that does not react is left after a second. */
export async function sayGoodbye({ client, socket }: PgSocket): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), goodbyeMs)
  await client.end()
  clearTimeout(timer)
}

/**
 * Asks the server to cancel what runs on the client's connection. Resolves when the server has sent its signal (it hangs up then),
 * or after `timeoutMs`; whether anything was cancelled, nobody is told.
 */
export async function requestCancel(client: Client, timeoutMs: number): Promise<void> {
  const { processID, secretKey, ssl, sslNegotiation } = client as unknown as ClientInternals
  const options = { ssl, sslNegotiation }
  const connection = new Connection(options) as ConnectionInternals
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  connection.once('end', resolve)
  connection.on('error', () => connection.stream.destroy())
  connection.once('connect', () => {
    if (ssl && sslNegotiation !== 'direct') connection.requestSsl()
  })
  connection.once(ssl ? 'sslconnect' : 'connect', () => connection.cancel(processID, secretKey))
  const timer = setTimeout(() => connection.stream.destroy(), timeoutMs)
  if (client.host.startsWith('/')) connection.connect(`${client.host}/.s.PGSQL.${client.port}`)
  else connection.connect(client.port, client.host)
  await ended
  clearTimeout(timer)
}
