// One connection to one server, by the client library: the only file that knows it. Its ways that do not suit us are switched off:
// it reconnects by itself, keeps commands while it is offline, and makes an AbortSignal of five seconds for each command.

import type { RedisAddress, RedisHost } from '../core/redis-url.ts'
import { RedisUnavailable, type ScriptReply } from './redis.ts'

export type Command = readonly (string | Buffer)[]

/** A server, and who we are there. */
export interface Target extends RedisHost, Pick<RedisAddress, 'tls' | 'username' | 'password' | 'database'> {}

export function nameOf({ host, port }: RedisHost): string {
  return `${host}:${port}`
}

/** A host of an address, with the names and passwords that are the same for all. */
export function targetOf({ host, port }: RedisHost, { tls, username, password, database }: RedisAddress): Target {
  return { host, port, tls, database, ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) }
}

/** An open connection. */
export interface Wire {
  /** Bulk strings come as Buffers. Rejects with the server's reply, or when the connection is lost. */
  send(command: Command): Promise<ScriptReply>
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Rejects everything that waits. */
  close(): void
}

/** What the library offers and is used of it: its own types are those of 400 commands. */
interface LibraryClient {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error', listener: (error: Error) => void): unknown
  sendCommand(command: Command): Promise<ScriptReply>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
}

/** A connection that is not made by then is not made; who gives up earlier does not wait for it. */
const connectMs = 2_000

/** The library takes 90 ms to load, so it is loaded when there is a Redis to connect to. */
function library() {
  return import('@redis/client')
}

/**
 * Connects and signs in.
 *
 * @param signal  ends the attempt
 * @param onLost  called once, when the connection is lost or the server sends what is not Redis' protocol
 * @throws        the socket's error, the server's refusal, or the reason of the signal
 */
export async function openWire(target: Target, signal: AbortSignal, onLost: (error: Error) => void): Promise<Wire> {
  const client = await makeClient(target)
  let open = false
  client.on('error', (error) => {
    const lost = open
    open = false
    if (lost) onLost(error)
  })
  await connect(client, signal)
  open = true
  return {
    send: (command) => client.sendCommand(command),
    subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close() {
      open = false
      client.destroy()
    },
  }
}

/** A client that is destroyed while it connects connects all the same, so it is destroyed once more when it has. */
async function connect(client: LibraryClient, signal: AbortSignal): Promise<void> {
  const connecting = client.connect()
  try {
    await unless(signal, connecting)
  } catch (error) {
    client.destroy()
    connecting.then(
      () => client.destroy(),
      () => undefined,
    )
    throw error
  }
}

/** What `work` comes to, or the reason of the signal when that comes first; then nobody waits for `work` any more. */
export function unless<result>(signal: AbortSignal, work: Promise<result>): Promise<result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Gives `work` a signal that comes after `limitMs`, or when `stop` does. */
export async function within<result>(limitMs: number, stop: AbortSignal, work: (signal: AbortSignal) => Promise<result>): Promise<result> {
  const limit = new AbortController()
  const late = (): void => limit.abort(new RedisUnavailable('timeout', `no answer within ${limitMs} ms`))
  const stopped = (): void => limit.abort(new RedisUnavailable('offline', 'closed'))
  const timer = setTimeout(late, limitMs)
  stop.addEventListener('abort', stopped, { once: true })
  if (stop.aborted) stopped()
  try {
    return await work(limit.signal)
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', stopped)
  }
}

/** Whether an error is a reply of a server. Loads the library, so that its time is not that of a connection. */
export async function replyTest(): Promise<(error: unknown) => boolean> {
  const { ErrorReply } = await library()
  return (error) => error instanceof ErrorReply
}

async function makeClient({ host, port, tls, username, password, database }: Target): Promise<LibraryClient> {
  const { createClient, RESP_TYPES } = await library()
  const client: LibraryClient = createClient({
    // Spoken by every server, sentinel and proxy, and signs in with AUTH rather than HELLO.
    RESP: 2,
    socket: { host, port, connectTimeout: connectMs, reconnectStrategy: false, ...(tls ? { tls } : {}) },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  return client
}
