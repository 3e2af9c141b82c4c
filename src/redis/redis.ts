// What every room below may do with Redis, and what it must reckon with: that at any moment it cannot.
// Nothing here waits longer than the budget, nothing is sent twice, and nothing fails at start.

import type { HealthReport } from '../core/module.ts'

/** Why a command was not answered. */
export type RedisFailure =
  /** Not connected at this moment, or the circuit is open. Nothing was sent. */
  | 'offline'
  /** More commands wait for an answer than may. Nothing was sent. */
  | 'busy'
  /** No answer within the budget. The command may still be executed, now or when a frozen server wakes up. */
  | 'timeout'
  /** The connection was lost before the answer. The command may have been executed. */
  | 'closed'
  /** Out of memory, or its disk is: the server answers reads and refuses writes. */
  | 'full'
  /** A replica, a server that loads its data or runs a script without end, a cluster that is being rearranged: somebody else, or later. */
  | 'unready'
  /** The user has no permission (ACL) for the command or the key. */
  | 'denied'
  /** The server calls the command wrong: a mistake of ours. */
  | 'refused'

/** Redis did not do it. Never reaches a client: who catches it goes on without Redis. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
  readonly reason: RedisFailure

  constructor(reason: RedisFailure, message: string, cause?: unknown) {
    // Made in numbers while a server is away, and always caught: where it was made helps nobody and costs 5 to 15 us.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, cause === undefined ? undefined : { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.reason = reason
  }
}

/** A Lua script; `defineScript` makes one. */
export interface Script {
  readonly lua: string
  /** SHA-1 of the text, as EVALSHA wants it. */
  readonly sha: string
}

/** What a script returns: bulk strings as Buffers, integers as numbers, status replies as strings, false and nil as null. */
export type ScriptReply = Buffer | string | number | null | readonly ScriptReply[]

/** What a server says of itself. */
export interface RedisServerInfo {
  /** `host:port`. */
  readonly server: string
  readonly version: string
  readonly runId: string
  readonly usedMemoryBytes: number
  /** 0: no limit. */
  readonly maxMemoryBytes: number
  /** `volatile-lru`, `noeviction`, … */
  readonly maxMemoryPolicy: string
  readonly evictedKeys: number
  /** Keys of all applications in this database. */
  readonly keys: number
}

/**
 * One Redis server, the master that sentinels name, or a cluster. Keys and channels are the application's own: the prefix
 * `plinth:<application>:` is put before them here. In a cluster the keys of one command must hash to one slot (`{tag}`).
 *
 * Every method rejects with `RedisUnavailable` at the latest when the budget is over.
 */
export interface Redis {
  /** Whether commands have a chance: connected, and the circuit is closed. Go on without Redis otherwise; asking costs nothing. */
  readonly usable: boolean
  /**
   * `run_id` of the server process that a command for `key`, sent in this turn of the event loop, goes to. It was read on that very connection
   * before anything else was sent, and a command that was sent is never sent again on another. Undefined when there is no connection.
   */
  runIdOf(key: string): string | undefined
  get(key: string): Promise<Buffer | undefined>
  /** @param ttlMs  whole milliseconds, at least 1 */
  set(key: string, value: Buffer, ttlMs: number): Promise<void>
  /** @returns how many there were */
  delete(keys: readonly string[]): Promise<number>
  /** Runs a script; the server gets its text when it does not know it. The connection is chosen by the first key. */
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<ScriptReply>
  publish(channel: string, message: string): Promise<void>
  /**
   * Listens on a connection of its own until the returned function is called.
   *
   * @param onGap  messages may have been lost: the connection is gone or silent; and once more when it is back, because of what was sent meanwhile
   */
  subscribe(channel: string, onMessage: (message: string) => void, onGap: () => void): () => void
  /** Removes the keys that begin with `prefix` (of this application). Takes as long as it takes. @returns how many there were */
  clear(prefix: string): Promise<number>
  /** Of each master. */
  info(): Promise<RedisServerInfo[]>
  /** Never rejects. */
  health(): Promise<HealthReport>
  /** Resolves when the first attempt to connect is over, whatever came of it, at the latest after a second. For a start that would like Redis. */
  ready(): Promise<void>
  close(): Promise<void>
}
