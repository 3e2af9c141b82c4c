// Asks sentinels where the master is: for every new connection, and once a second, because an old master that only its sentinels
// cannot reach any more still takes our writes.

import type { RedisAddress, RedisHost } from '../core/redis-url.ts'
import { askOnce } from './connection.ts'
import { RedisUnavailable, type ScriptReply } from './redis.ts'
import { type Target, targetOf, within } from './wire.ts'

/** For one sentinel; the attempt to reach the master has a second for all. */
const askMs = 300
const lookMs = 1_000

export class Sentinels {
  readonly #address: RedisAddress
  readonly #stop = new AbortController()
  /** The one that answered last is asked first. */
  #hosts: RedisHost[]
  #timer: NodeJS.Timeout | undefined

  constructor(address: RedisAddress) {
    this.#address = address
    this.#hosts = [...address.hosts]
  }

  /** The master, as the first sentinel that answers says. @throws RedisUnavailable `offline` when none knows it */
  async master(signal: AbortSignal): Promise<Target> {
    const problems: string[] = []
    for (const host of this.#hosts) {
      const found = await this.#ask(host, signal).catch((error: Error) => void problems.push(`${host.host}:${host.port} ${error.message}`))
      if (found === undefined) continue
      this.#hosts = [host, ...this.#hosts.filter((other) => other !== host)]
      return targetOf(found, this.#address)
    }
    throw new RedisUnavailable('offline', `no sentinel knows the master "${this.#address.master}": ${problems.join('; ')}`)
  }

  /** Calls `onMaster` with the master that the sentinels name, about every second, until `stop`. */
  watch(onMaster: (master: RedisHost) => void): void {
    this.#timer = setTimeout(() => void this.#look(onMaster), lookMs).unref()
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
  }

  async #look(onMaster: (master: RedisHost) => void): Promise<void> {
    // Sentinels that are all away say nothing about the master.
    const found = await this.master(this.#stop.signal).catch(() => undefined)
    if (this.#stop.signal.aborted) return
    if (found !== undefined) onMaster(found)
    this.watch(onMaster)
  }

  async #ask({ host, port }: RedisHost, signal: AbortSignal): Promise<RedisHost> {
    const { tls, sentinelPassword, master = '' } = this.#address
    const sentinel: Target = { host, port, tls, database: 0, ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }) }
    const reply = await within(askMs, signal, (limit) => askOnce(sentinel, limit, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]))
    return hostOf(reply)
  }
}

function hostOf(reply: ScriptReply): RedisHost {
  if (!Array.isArray(reply)) throw new RedisUnavailable('offline', 'does not know it')
  const [host, port] = (reply as readonly ScriptReply[]).map(String)
  return { host: host ?? '', port: Number(port) }
}
