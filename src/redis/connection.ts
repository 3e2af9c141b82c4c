// A connection whose server is known: its run_id was read before anything else. Every command has the budget, and only so many wait at once.

import type { Deadlines, Watcher } from './deadlines.ts'
import { failureOf, type IsReply } from './failure.ts'
import { RedisUnavailable, type Script, type ScriptReply } from './redis.ts'
import { parseInfo, unreadiness } from './server-info.ts'
import { type Command, openWire, type Target, unless, type Wire } from './wire.ts'

/** What a frozen server can make us keep until the circuit opens: at most three budgets' worth, and never more than this. */
const mostWaiting = 8_192
const mostBytes = 64 * 1_024 * 1_024

/** Told what becomes of a connection. */
export interface ConnectionObserver {
  /** A command was answered in time. */
  answered(): void
  /** A command was not answered in time. */
  late(): void
  /** A command was refused, or lost with the connection. */
  failed(failure: RedisUnavailable): void
  /** The connection is gone. */
  lost(failure: RedisUnavailable): void
}

export class Connection {
  readonly runId: string
  readonly #wire: Wire
  readonly #deadlines: Deadlines
  readonly #watcher: Watcher
  #waiting = 0
  #bytes = 0

  constructor(wire: Wire, runId: string, deadlines: Deadlines, observer: ConnectionObserver, isReply: IsReply) {
    this.#wire = wire
    this.runId = runId
    this.#deadlines = deadlines
    this.#watcher = {
      answered: observer.answered,
      late: observer.late,
      ended: (bytes) => this.#ended(bytes),
      failure(error) {
        const failure = failureOf(error, isReply)
        observer.failed(failure)
        return failure
      },
    }
  }

  /** Commands that were sent and not answered, also those that nobody waits for any more. */
  get waiting(): number {
    return this.#waiting
  }

  send(command: Command): Promise<ScriptReply> {
    return this.#exchange(command, () => this.#wire.send(command))
  }

  run({ sha, lua }: Script, keys: readonly string[], args: Command): Promise<ScriptReply> {
    const rest = [String(keys.length), ...keys, ...args]
    return this.#exchange(args, () =>
      this.#wire.send(['EVALSHA', sha, ...rest]).catch((error: unknown) => {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return this.#wire.send(['EVAL', lua, ...rest])
      }),
    )
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    await this.#exchange([], () => this.#wire.subscribe(channel, onMessage).then(() => null))
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#exchange([], () => this.#wire.unsubscribe(channel).then(() => null))
  }

  close(): void {
    this.#wire.close()
  }

  #exchange(command: Command, work: () => Promise<ScriptReply>): Promise<ScriptReply> {
    const bytes = bytesOf(command)
    if (this.#waiting >= mostWaiting || this.#bytes + bytes > mostBytes)
      return Promise.reject(new RedisUnavailable('busy', `${this.#waiting} commands with ${this.#bytes} bytes wait for an answer`))
    this.#waiting += 1
    this.#bytes += bytes
    return this.#deadlines.guard(work(), this.#watcher, bytes)
  }

  #ended(bytes: number): void {
    this.#waiting -= 1
    this.#bytes -= bytes
  }
}

function bytesOf(command: Command): number {
  let bytes = 0
  for (const part of command) bytes += part.length
  return bytes
}

export interface ConnectionOptions {
  readonly target: Target
  readonly deadlines: Deadlines
  readonly observer: ConnectionObserver
  /** Ends the attempt. */
  readonly signal: AbortSignal
  readonly isReply: IsReply
}

/**
 * Connects, signs in, reads who the server is, and sees whether it answers within the budget.
 *
 * @throws  RedisUnavailable: what is wrong with the server, or with us
 */
export async function openConnection({ target, deadlines, observer, signal, isReply }: ConnectionOptions): Promise<Connection> {
  let wire: Wire | undefined
  let lost: RedisUnavailable | undefined
  const onLost = (error: Error): void => {
    lost = failureOf(error, isReply)
    // What is still asked here is not answered any more.
    wire?.close()
    observer.lost(lost)
  }
  try {
    wire = await openWire(target, signal, onLost)
    const info = parseInfo(await unless(signal, wire.send(['INFO'])))
    const problem = unreadiness(info)
    if (problem !== undefined) throw new RedisUnavailable('unready', `${target.host}:${target.port} ${problem}`)
    await deadlines.guard(wire.send(['PING']), {
      answered: ignore,
      late: ignore,
      ended: ignore,
      failure: (error) => failureOf(error, isReply),
    })
    return new Connection(wire, info.get('run_id') ?? '', deadlines, observer, isReply)
  } catch (error) {
    wire?.close()
    throw lost ?? failureOf(error, isReply)
  }
}

/** Asks a server that is not one we use (a sentinel, any node of a cluster) one thing, on a connection of its own. */
export async function askOnce(target: Target, signal: AbortSignal, command: Command): Promise<ScriptReply> {
  const wire = await openWire(target, signal, ignore)
  try {
    return await unless(signal, wire.send(command))
  } finally {
    wire.close()
  }
}

function ignore(): void {}
