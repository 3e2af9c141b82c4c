// Finished answers in this process, one per read, bounded by bytes. What was not used for longest makes room.

import { Line, LineMember } from '../support/line.ts'
import type { Entry } from './entry.ts'
import type { Version } from './versions.ts'

/** An answer, what it was right for, and when that was last known. */
export class Copy extends LineMember {
  readonly key: string
  readonly entry: Entry
  /** Milliseconds of `performance.now()`. */
  readonly expiresAt: number
  readonly bytes: number
  version: Version

  constructor(key: string, version: Version, entry: Entry, expiresAt: number) {
    super()
    this.key = key
    this.version = version
    this.entry = entry
    this.expiresAt = expiresAt
    this.bytes = sizeOf(this)
  }

  /** @param version  with the same text: it is right at that moment, too */
  sawAgain(version: Version): void {
    if (version.askedAt > this.version.askedAt) this.version = version
  }
}

/** A larger answer would push out eight others' worth. */
const largestPart = 1 / 8
/** Objects, the place in the map, the buffer's own memory: measured with 100,000 small entries, 850 bytes each beyond texts and body. */
const overheadBytes = 850

export class MemoryStore {
  readonly #copies = new Map<string, Copy>()
  /** The same copies, the one that was not used for longest first. */
  readonly #line = new Line<Copy>()
  readonly #most: number
  #bytes = 0
  #evicted = 0

  constructor(mostBytes: number) {
    this.#most = mostBytes
  }

  /** Counts as use. */
  get(key: string): Copy | undefined {
    const copy = this.#copies.get(key)
    if (copy === undefined) return undefined
    this.#line.remove(copy)
    this.#line.add(copy)
    return copy
  }

  /** Replaces what the key had, unless that is newer; an answer that is too large is not kept. */
  set(key: string, version: Version, { etag, facts, body }: Entry, expiresAt: number): void {
    const known = this.#copies.get(key)
    if (known !== undefined && known.version.askedAt > version.askedAt) return
    this.#drop(known)
    const copy = new Copy(key, version, { etag, facts, body: ownMemory(body) }, expiresAt)
    if (copy.bytes > this.#most * largestPart) return
    this.#bytes += copy.bytes
    this.#copies.set(key, copy)
    this.#line.add(copy)
    while (this.#bytes > this.#most) this.#evict()
  }

  clear(): void {
    for (const copy of this.#copies.values()) this.#drop(copy)
  }

  counts(): { readonly entries: number; readonly bytes: number; readonly mostBytes: number; readonly evicted: number } {
    return { entries: this.#copies.size, bytes: this.#bytes, mostBytes: this.#most, evicted: this.#evicted }
  }

  #evict(): void {
    this.#evicted += 1
    this.#drop(this.#line.first)
  }

  #drop(copy: Copy | undefined): void {
    if (copy === undefined || !this.#line.remove(copy)) return
    this.#copies.delete(copy.key)
    this.#bytes -= copy.bytes
  }
}

/** Small buffers are parts of shared memory, and one that is kept would hold all of it. */
function ownMemory(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length)
  body.copy(own)
  return own
}

/** Bytes of memory, with everything around the body. Facts are objects, which take more than their text. */
function sizeOf({ key, version, entry }: Copy): number {
  const texts = key.length + version.text.length + entry.etag.length + 3 * JSON.stringify(entry.facts).length
  return overheadBytes + texts + entry.body.length
}
