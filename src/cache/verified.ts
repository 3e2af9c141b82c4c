// The verified mode: one question to the primary for the version of everything a read depends on, then an answer that was made for
// exactly that version. Nothing is ever invalidated, so nothing can be invalidated too late.
//
// Why it is right. Snapshots of a primary are taken one after the other, every commit to a tracked table makes a version that never
// comes back, and a snapshot sees the version if and only if it sees the commit. A fill asks, reads, and asks again: equal versions
// mean that nothing was committed in between, so what was read is what that version stands for. A reader that is told the same
// version later may have it, because the tables are at that moment what they were then.
//
// Why a fill may be joined. Who joins has asked for the version itself and was told V, by a question sent after it had come; the fill
// began at V. Each of the fill's statements ran either before that answer, and then nothing has changed in between, or after it. So the
// joined answer is one that the reader's own statements could have given, whether or not the fill could be kept.

import type { Database } from '../db/database.ts'
import { ConfirmingReads } from './confirming-reads.ts'
import type { Counters } from './counters.ts'
import type { Entry } from './entry.ts'
import type { CacheFaults } from './faults.ts'
import type { Copy, MemoryStore } from './memory-store.ts'
import type { CachedRead, CacheMode, Fill, Found } from './read.ts'
import type { Sampler } from './sampler.ts'
import type { SharedStore } from './shared-store.ts'
import type { Version, Versions } from './versions.ts'

export interface VerifiedParts {
  readonly db: Database
  readonly versions: Versions
  readonly memory: MemoryStore
  /** Undefined without Redis. */
  readonly shared: SharedStore | undefined
  readonly counters: Counters
  readonly sampler: Sampler
  readonly faults: CacheFaults
}

/** Entries that were made together shall not all expire together. */
const jitter = 0.1

export class VerifiedMode implements CacheMode {
  readonly #parts: VerifiedParts
  readonly #fills = new Map<string, Promise<Found>>()

  constructor(parts: VerifiedParts) {
    this.#parts = parts
  }

  async read(read: CachedRead, fill: Fill): Promise<Found> {
    const version = await this.#parts.versions.ask(read)
    if (version === undefined) return { entry: await fill(this.#parts.db.anywhere()), status: 'bypass' }
    const copy = this.#parts.memory.get(read.key)
    if (copy === undefined || !this.#isRight(copy, version)) return this.#fillOnce(read, version, fill)
    copy.sawAgain(version)
    this.#sample(read, copy.entry, version, fill)
    return { entry: copy.entry, status: 'hit' }
  }

  #sample(read: CachedRead, entry: Entry, { text }: Version, fill: Fill): void {
    const { sampler } = this.#parts
    if (sampler.isDue(read)) sampler.start(read, () => this.#compare(read, entry, text, fill))
  }

  /** Reads again what an entry was made from. */
  async #compare(read: CachedRead, entry: Entry, text: string, fill: Fill): Promise<boolean | undefined> {
    const { db, versions } = this.#parts
    const before = await versions.ask(read)
    if (before?.text !== text) return undefined
    const reads = new ConfirmingReads(db, read.question, read.turns)
    const fresh = await fill(reads)
    if (versions.textOf(read, await reads.answer()) !== text) return undefined
    return fresh !== undefined && fresh.etag === entry.etag && fresh.body.equals(entry.body)
  }

  #isRight(copy: Copy, { text, askedAt }: Version): boolean {
    return (copy.version.text === text || this.#parts.faults.ignoreVersion === true) && copy.expiresAt > askedAt
  }

  #fillOnce(read: CachedRead, version: Version, fill: Fill): Promise<Found> {
    const name = this.#parts.faults.joinAnyFill === true ? read.key : `${read.key}\n${version.text}`
    const known = this.#fills.get(name)
    if (known !== undefined) return known
    const filling = this.#find(read, version, fill).finally(() => this.#fills.delete(name))
    this.#fills.set(name, filling)
    return filling
  }

  async #find(read: CachedRead, version: Version, fill: Fill): Promise<Found> {
    const entry = await this.#fromShared(read, version)
    return entry === undefined ? this.#make(read, version, fill) : { entry, status: 'hit' }
  }

  async #fromShared(read: CachedRead, version: Version): Promise<Entry | undefined> {
    const { memory, shared, faults } = this.#parts
    if (shared === undefined || !read.shared) return undefined
    const stored = await shared.get(read.key)
    const leftMs = (stored?.expiresAt ?? 0) - Date.now()
    if (stored === undefined || leftMs <= 0 || (stored.version !== version.text && faults.ignoreVersion !== true)) return undefined
    memory.set(read.key, version, stored.entry, performance.now() + leftMs)
    return stored.entry
  }

  async #make(read: CachedRead, version: Version, fill: Fill): Promise<Found> {
    const { db, versions, counters, faults } = this.#parts
    const reads = new ConfirmingReads(db, read.question, read.turns)
    const entry = await fill(reads)
    if (entry !== undefined) {
      const after = faults.skipConfirmation === true ? version.text : versions.textOf(read, await reads.answer())
      if (after === version.text) this.#keep(read, version, entry)
      else counters.count(read.resource, 'unconfirmed')
    }
    return { entry, status: 'miss' }
  }

  #keep(read: CachedRead, version: Version, entry: Entry): void {
    const { memory, shared } = this.#parts
    const ttlMs = read.settings.ttlMs * (1 - jitter + 2 * jitter * Math.random())
    memory.set(read.key, version, entry, performance.now() + ttlMs)
    if (read.shared) shared?.set(read.key, { entry, version: version.text, expiresAt: Date.now() + ttlMs })
  }
}
