// The fenced mode of the cache: reads of one row by its key from Redis alone; everything else, and every read while the fenced cache is
// off, in the mode that needs no permission.

import type { Database } from '../../db/database.ts'
import { Lru } from '../../support/lru.ts'
import { decodeEntry, encodeEntry, type Entry, type SealKey } from '../entry.ts'
import type { AheadRead, CacheMode, FencedRowRead, Fill, Found } from '../read.ts'
import type { Sampler } from '../sampler.ts'
import type { FencedCache } from './fenced-cache.ts'
import type { BegunRead, FencedRead } from './reads.ts'

export interface FencedModeParts {
  readonly fenced: FencedCache
  /** What reads while the fenced cache is off. */
  readonly otherwise: CacheMode
  readonly db: Database
  readonly seal: SealKey
  readonly sampler: Sampler
  /** Hears of each value that we did not make. */
  onBroken(): void
}

interface Opened {
  readonly bytes: Buffer
  readonly entry: Entry
}

/** Together at most 8 MB. */
const mostOpened = 1_000
const longestOpened = 8 * 1_024

/** A read that Redis was asked about before anybody knew how to make its answer. */
class Ahead implements AheadRead {
  readonly entry: Entry | undefined
  readonly key: string
  readonly begun: BegunRead

  constructor(key: string, entry: Entry | undefined, begun: BegunRead) {
    this.key = key
    this.entry = entry
    this.begun = begun
  }
}

export class FencedMode {
  readonly #parts: FencedModeParts
  readonly #opened = new Lru<Opened>(mostOpened)

  constructor(parts: FencedModeParts) {
    this.#parts = parts
  }

  async read(read: FencedRowRead, fill: Fill, ahead?: AheadRead): Promise<Found> {
    const { otherwise, db } = this.#parts
    const found = await this.#ask(read, fill, ahead instanceof Ahead && ahead.key === read.key ? ahead.begun : undefined)
    if (found === 'off') return otherwise.read(read, fill)
    if (found === 'broken') return { entry: await fill(db), status: 'bypass' }
    if (found.status === 'hit') this.sample(read, found.entry, fill)
    return found
  }

  /** Undefined while the row may not be read from the cache. */
  async readAhead(read: FencedRowRead): Promise<AheadRead | undefined> {
    const begun = await this.#parts.fenced.begin(fencedRead(read))
    const value = begun?.hit?.value
    return begun && new Ahead(read.key, value && this.#open(read.key, value), begun)
  }

  /** Counts a hit, and perhaps compares it. */
  sample(read: FencedRowRead, entry: Entry | undefined, fill: Fill): void {
    const { sampler } = this.#parts
    if (sampler.isDue(read)) sampler.start(read, () => this.#compare(read, entry, fill))
  }

  /** `off` while the row may not be read from the cache, `broken` when what was found is not ours. */
  async #ask(read: FencedRowRead, fill: Fill, begun?: BegunRead): Promise<Found | 'off' | 'broken'> {
    const { fenced, db, seal } = this.#parts
    const { key } = read
    const load = async (): Promise<Buffer | undefined> => {
      const entry = await fill(db)
      return entry && encodeEntry(seal, key, { entry, version: '', expiresAt: 0 })
    }
    const found = await fenced.read(fencedRead(read), load, begun)
    if (found === undefined) return 'off'
    const { value, status } = found
    if (value === undefined) return { entry: undefined, status }
    const entry = this.#open(key, value)
    if (entry === undefined) this.#parts.onBroken()
    return entry === undefined ? 'broken' : { entry, status }
  }

  /** The bytes of a hot row are those of the last time: comparing them takes a tenth of looking at their seal. */
  #open(key: string, bytes: Buffer): Entry | undefined {
    const last = this.#opened.get(key)
    if (last?.bytes.equals(bytes) === true) return last.entry
    if (bytes.length > longestOpened) return decodeEntry(this.#parts.seal, key, bytes)?.entry
    const own = Buffer.from(bytes) // what came is a part of all that came with it
    const entry = decodeEntry(this.#parts.seal, key, own)?.entry
    if (entry !== undefined) this.#opened.set(key, { bytes: own, entry })
    return entry
  }

  /** What was wrong is found again after the database has said something else; what was only changed meanwhile is not. */
  async #compare(read: FencedRowRead, entry: Entry | undefined, fill: Fill): Promise<boolean | undefined> {
    const fresh = await fill(this.#parts.db)
    if (isSame(entry, fresh)) return true
    const again = await this.#ask(read, fill)
    return typeof again === 'object' && again.status === 'hit' && isSame(again.entry, entry) ? false : undefined
  }
}

function fencedRead({ row, key, settings }: FencedRowRead): FencedRead {
  return { row, variant: key, ttlMs: settings.ttlMs }
}

function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.etag === other.etag && one.body.equals(other.body)
}
