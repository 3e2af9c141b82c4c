// A cluster: a link to each master, and the map of slots that says which has a key. A command that meets an old map fails, as if that server
// were away, and the map is read anew: so that a command only ever goes to the server whose run_id was asked for.

import type { RedisAddress, RedisHost } from '../core/redis-url.ts'
import { slotOf } from './cluster-slot.ts'
import { askOnce } from './connection.ts'
import type { Deadlines } from './deadlines.ts'
import { Link } from './link.ts'
import { RedisUnavailable, type ScriptReply } from './redis.ts'
import type { Topology, TopologyEvents } from './topology.ts'
import { nameOf, replyTest, type Target, targetOf, within } from './wire.ts'

/** One node may be asked for the map this long. */
const askMs = 500
/** The map is read this often when all is well, and when it is not. */
const calmMs = 5_000
const restlessMs = 500
const slotCount = 16_384

/** A master and the slots it has, both ends included. */
export interface SlotRange extends RedisHost {
  readonly first: number
  readonly last: number
}

export class Cluster implements Topology {
  readonly #address: RedisAddress
  /** Of the whole. */
  readonly #name: string
  readonly #deadlines: Deadlines
  readonly #events: TopologyEvents
  readonly #stop = new AbortController()
  readonly #masters = new Map<string, Link>()
  readonly #first = Promise.withResolvers<void>()
  #links: readonly Link[] = []
  #slots: (Link | undefined)[] = []
  /** Everybody who may know the map: the masters, then the nodes of the address. */
  #nodes: RedisHost[]
  #subscription = 0
  #timer: NodeJS.Timeout | undefined
  #reading = false

  constructor(address: RedisAddress, deadlines: Deadlines, events: TopologyEvents) {
    this.#address = address
    this.#name = address.hosts.map(nameOf).join(',')
    this.#deadlines = deadlines
    this.#events = events
    this.#nodes = [...address.hosts]
  }

  linkOf(key: string): Link | undefined {
    return this.#slots[slotOf(key)]
  }

  links(): readonly Link[] {
    return this.#links
  }

  get tried(): Promise<void> {
    return this.#first.promise
  }

  /** Any node passes on what is published at any other; the next one each time, because the last may be gone. */
  async subscriptionTarget(): Promise<Target> {
    const node = this.#nodes[this.#subscription++ % this.#nodes.length]
    return targetOf(node ?? this.#address.hosts[0], this.#address)
  }

  start(): void {
    void this.#read()
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
    this.links().forEach((link) => link.stop())
    this.#first.resolve()
  }

  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    clearTimeout(this.#timer)
    await replyTest()
    const ranges = await this.#ask()
    this.#reading = false
    if (this.#stop.signal.aborted) return
    if (ranges !== undefined) this.#use(ranges)
    const calm = this.#masters.size > 0 && this.links().every(({ connection }) => connection !== undefined)
    this.#again(calm ? calmMs : restlessMs)
    void Promise.all(this.links().map(({ tried }) => tried)).then(() => this.#first.resolve())
  }

  #again(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#read(), afterMs).unref()
  }

  /** The map of the first node that tells it. */
  async #ask(): Promise<SlotRange[] | undefined> {
    const problems: string[] = []
    for (const node of this.#nodes) {
      try {
        return await this.#askNode(node)
      } catch (error) {
        problems.push(`${nameOf(node)} ${(error as Error).message}`)
      }
    }
    if (!this.#stop.signal.aborted) this.#unknown(problems)
    return undefined
  }

  async #askNode(node: RedisHost): Promise<SlotRange[]> {
    const target = targetOf(node, this.#address)
    const reply = await within(askMs, this.#stop.signal, (signal) => askOnce(target, signal, ['CLUSTER', 'SLOTS']))
    return readSlots(reply, node.host)
  }

  #unknown(problems: readonly string[]): void {
    const message = `no node tells the slots of the cluster: ${problems.join('; ')}`
    this.#events.onChange(this.#name, new RedisUnavailable('offline', message), this.#name)
  }

  #use(ranges: readonly SlotRange[]): void {
    this.#events.onChange(this.#name, undefined, this.#name)
    const masters = new Map(ranges.map((range) => [nameOf(range), range]))
    for (const [name, link] of this.#masters) if (!masters.has(name)) this.#forget(name, link)
    this.#slots = Array.from({ length: slotCount })
    for (const range of ranges) this.#assign(range)
    this.#links = [...this.#masters.values()]
    this.#nodes = [...masters.values(), ...this.#address.hosts.filter((host) => !masters.has(nameOf(host)))]
  }

  #assign(range: SlotRange): void {
    const link = this.#masters.get(nameOf(range)) ?? this.#connect(range)
    for (let slot = range.first; slot <= range.last; slot += 1) this.#slots[slot] = link
  }

  #connect({ host, port }: SlotRange): Link {
    const node: RedisHost = { host, port }
    const link = new Link({
      deadlines: this.#deadlines,
      target: async () => targetOf(node, this.#address),
      onChange: (problem) => {
        this.#events.onChange(nameOf(node), problem, nameOf(node))
        if (problem !== undefined) this.#again(restlessMs)
      },
      onFailure: this.#events.onFailure,
      onRedirect: () => void this.#read(),
    })
    this.#masters.set(nameOf(node), link)
    link.start()
    return link
  }

  /** A node that lost its slots, to a replica or to other masters. */
  #forget(name: string, link: Link): void {
    this.#masters.delete(name)
    link.stop()
    this.#events.onGone(name)
    this.#events.onMoved()
  }
}

/**
 * CLUSTER SLOTS: `[first, last, [host, port, id], replicas …]` each.
 *
 * @param asked  the host that told it, which writes nothing for itself when it does not know its name
 * @throws       RedisUnavailable `unready` when no slot belongs to anybody
 */
export function readSlots(reply: ScriptReply, asked: string): SlotRange[] {
  const ranges = (reply as readonly (readonly ScriptReply[])[]).map(([first, last, master]) => {
    const [host, port] = master as readonly ScriptReply[]
    const name = host === null || host === undefined ? '' : String(host)
    return { host: name === '' || name === '?' ? asked : name, port: Number(port), first: Number(first), last: Number(last) }
  })
  if (ranges.length === 0) throw new RedisUnavailable('unready', 'the cluster has no slots yet')
  return ranges
}
