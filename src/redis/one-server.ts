// One server has all keys: the one that the address names, or the master that sentinels name.

import type { RedisAddress, RedisHost } from '../core/redis-url.ts'
import type { Deadlines } from './deadlines.ts'
import { Link } from './link.ts'
import { RedisUnavailable } from './redis.ts'
import { Sentinels } from './sentinels.ts'
import type { Topology, TopologyEvents } from './topology.ts'
import { nameOf, type Target, targetOf } from './wire.ts'

export class OneServer implements Topology {
  readonly #link: Link
  readonly #links: readonly Link[]
  readonly #sentinels: Sentinels | undefined
  readonly #address: RedisAddress
  readonly #events: TopologyEvents

  constructor(address: RedisAddress, deadlines: Deadlines, events: TopologyEvents) {
    this.#address = address
    this.#events = events
    this.#sentinels = address.kind === 'sentinel' ? new Sentinels(address) : undefined
    this.#link = new Link({
      deadlines,
      target: (signal) => this.subscriptionTarget(signal),
      onChange: (problem, server) => events.onChange('', problem, server === '' ? nameOf(address.hosts[0]) : server),
      onFailure: events.onFailure,
    })
    this.#links = [this.#link]
  }

  linkOf(): Link {
    return this.#link
  }

  links(): readonly Link[] {
    return this.#links
  }

  get tried(): Promise<void> {
    return this.#link.tried
  }

  async subscriptionTarget(signal: AbortSignal): Promise<Target> {
    return this.#sentinels === undefined ? targetOf(this.#address.hosts[0], this.#address) : this.#sentinels.master(signal)
  }

  start(): void {
    this.#link.start()
    this.#sentinels?.watch((master) => this.#follow(master))
  }

  stop(): void {
    this.#sentinels?.stop()
    this.#link.stop()
  }

  #follow(master: RedisHost): void {
    const { server, connection } = this.#link
    if (connection === undefined || nameOf(master) === server) return
    this.#link.drop(new RedisUnavailable('unready', `${server} is not the master any more; ${nameOf(master)} is`))
    this.#events.onMoved()
  }
}
