// Finished answers in Redis, one per read, for all processes. It is a place that may be away, forget, go back in time or be written
// to by others: what comes from it counts only when its seal is right, and it is used only for the version it names.

import { type Redis, RedisUnavailable } from '../redis/redis.ts'
import { decodeEntry, encodeEntry, openEntry, type SealKey, type StoredEntry } from './entry.ts'
import type { CacheFaults } from './faults.ts'

/** Keys of this store begin so, behind the application's own prefix. */
const sharedPrefix = 'v:'

/** A larger answer takes more of the budget to fetch than it saves. */
const largestBytes = 512 * 1024

export class SharedStore {
  readonly #redis: Redis
  readonly #seal: SealKey
  readonly #faults: CacheFaults
  readonly #onBroken: () => void

  /** @param onBroken  hears of each entry that we did not make */
  constructor(redis: Redis, seal: SealKey, onBroken: () => void, faults: CacheFaults = {}) {
    this.#redis = redis
    this.#seal = seal
    this.#onBroken = onBroken
    this.#faults = faults
  }

  /** Undefined when there is none, it cannot be had, or it is not ours. */
  async get(key: string): Promise<StoredEntry | undefined> {
    if (!this.#redis.usable) return undefined
    const bytes = await this.#redis.get(sharedPrefix + key).catch(nothingWithoutRedis)
    return bytes === undefined ? undefined : this.#open(key, bytes)
  }

  /** Does not wait: whether it could be stored makes no difference to anybody. */
  set(key: string, stored: StoredEntry): void {
    if (!this.#redis.usable || stored.entry.body.length > largestBytes) return
    const ttlMs = Math.max(1, Math.round(stored.expiresAt - Date.now()))
    void this.#redis.set(sharedPrefix + key, encodeEntry(this.#seal, key, stored), ttlMs).catch(nothingWithoutRedis)
  }

  /** @returns how many there were; undefined when Redis cannot be reached */
  clear(): Promise<number | undefined> {
    return this.#redis.clear(sharedPrefix).catch(nothingWithoutRedis)
  }

  #open(key: string, bytes: Buffer): StoredEntry | undefined {
    const stored = this.#faults.ignoreSeal === true ? openEntry(bytes) : decodeEntry(this.#seal, key, bytes)
    if (stored === undefined) this.#onBroken()
    return stored
  }
}

function nothingWithoutRedis(error: unknown): undefined {
  if (!(error instanceof RedisUnavailable)) throw error
}
