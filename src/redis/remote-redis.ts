// The one implementation of `Redis`: each command to the server that has its key.

import type { HealthReport } from '../core/module.ts'
import { lookAt } from './health.ts'
import type { Link } from './link.ts'
import { type Redis, type RedisFailure, type RedisServerInfo, RedisUnavailable, type Script, type ScriptReply } from './redis.ts'
import { describeServer, parseInfo } from './server-info.ts'
import type { Subscriber } from './subscriber.ts'
import type { Topology } from './topology.ts'
import type { Command } from './wire.ts'

export interface RedisParts {
  readonly topology: Topology
  readonly subscriber: Subscriber
  /** Put before every key and channel. */
  readonly prefix: string
  readonly database: number
  readonly countCommand: (name: string) => void
  readonly countFailure: (reason: RedisFailure) => void
  /** Stops what is left. */
  readonly onClose: () => void
}

/** Keys that SCAN looks at in one command: about 0.1 ms of the server. */
const scanCount = '500'
/** Longest wait for the first connection. */
const readyMs = 1_000

export class RemoteRedis implements Redis {
  readonly #parts: RedisParts
  readonly #topology: Topology
  readonly #prefix: string

  constructor(parts: RedisParts) {
    this.#parts = parts
    this.#topology = parts.topology
    this.#prefix = parts.prefix
  }

  get usable(): boolean {
    return this.#topology.links().some(({ connection }) => connection !== undefined)
  }

  runIdOf(key: string): string | undefined {
    return this.#topology.linkOf(this.#prefix + key)?.connection?.runId
  }

  get(key: string): Promise<Buffer | undefined> {
    const name = this.#prefix + key
    return this.#send(this.#topology.linkOf(name), ['GET', name]).then(bufferOrNothing)
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    const name = this.#prefix + key
    await this.#send(this.#topology.linkOf(name), ['SET', name, value, 'PX', String(ttlMs)])
  }

  delete(keys: readonly string[]): Promise<number> {
    return this.#unlink(keys.map((key) => this.#prefix + key))
  }

  run(script: Script, keys: readonly string[], args: Command): Promise<ScriptReply> {
    const names = keys.map((key) => this.#prefix + key)
    const connection = (names[0] === undefined ? this.#anyLink() : this.#topology.linkOf(names[0]))?.connection
    this.#parts.countCommand('EVALSHA')
    return connection === undefined ? this.#offline() : connection.run(script, names, args)
  }

  /** In a cluster every node passes it on to the others. */
  async publish(channel: string, message: string): Promise<void> {
    await this.#send(this.#anyLink(), ['PUBLISH', this.#prefix + channel, message])
  }

  subscribe(channel: string, onMessage: (message: string) => void, onGap: () => void): () => void {
    return this.#parts.subscriber.subscribe(this.#prefix + channel, { onMessage, onGap })
  }

  async clear(prefix: string): Promise<number> {
    const pattern = `${escapeGlob(this.#prefix + prefix)}*`
    let removed = 0
    for (const link of this.#links()) removed += await this.#clear(link, pattern)
    return removed
  }

  async info(): Promise<RedisServerInfo[]> {
    const { database } = this.#parts
    return Promise.all(
      this.#links().map(async (link) => describeServer(link.server, parseInfo(await this.#send(link, ['INFO'])), database)),
    )
  }

  async health(): Promise<HealthReport> {
    const servers = await Promise.all(this.#topology.links().map((link) => lookAt(link, this.#topology, this.#prefix)))
    const ok = servers.length > 0 && servers.every((server) => server.ok)
    return servers.length === 1 ? { ...servers[0], ok } : { ok, servers }
  }

  async ready(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, readyMs)
    await Promise.race([this.#topology.tried, promise])
    clearTimeout(timer)
  }

  async close(): Promise<void> {
    this.#topology.stop()
    this.#parts.subscriber.stop()
    this.#parts.onClose()
  }

  /** On the connection of this moment or not at all. */
  #send(link: Link | undefined, command: Command): Promise<ScriptReply> {
    this.#parts.countCommand(command[0] as string)
    const connection = link?.connection
    return connection === undefined ? this.#offline(link) : connection.send(command)
  }

  #offline(link?: Link): Promise<never> {
    this.#parts.countFailure('offline')
    return Promise.reject(new RedisUnavailable('offline', link?.problem?.message ?? 'not connected'))
  }

  #anyLink(): Link | undefined {
    return this.#topology.links().find(({ connection }) => connection !== undefined)
  }

  /** @throws RedisUnavailable when there is none to ask, because nothing is not an answer of a server */
  #links(): readonly Link[] {
    const links = this.#topology.links()
    if (links.length === 0) throw new RedisUnavailable('offline', 'not connected')
    return links
  }

  async #clear(link: Link, pattern: string): Promise<number> {
    let cursor = '0'
    let removed = 0
    do {
      const reply = (await this.#send(link, ['SCAN', cursor, 'MATCH', pattern, 'COUNT', scanCount])) as readonly ScriptReply[]
      removed += await this.#unlink((reply[1] as readonly ScriptReply[]).map(String))
      cursor = String(reply[0])
    } while (cursor !== '0')
    return removed
  }

  /** In a cluster the keys of one command must be of one slot, so each key has its own. */
  async #unlink(names: readonly string[]): Promise<number> {
    if (names.length === 0) return 0
    const commands = this.#topology.links().length > 1 ? names.map((name) => [name]) : [names]
    const counts = await Promise.all(commands.map((some) => this.#send(this.#topology.linkOf(some[0] ?? ''), ['UNLINK', ...some])))
    return counts.reduce<number>((sum, count) => sum + Number(count), 0)
  }
}

function bufferOrNothing(reply: ScriptReply): Buffer | undefined {
  return Buffer.isBuffer(reply) ? reply : undefined
}

/** Patterns of SCAN know `*`, `?`, `[…]`; a name has none. */
function escapeGlob(name: string): string {
  return name.replaceAll(/[*?[\]\\^]/g, String.raw`\$&`)
}
