// A map that forgets what was not used for longest, so that callers cannot make it grow.

import { Line, LineMember } from './line.ts'

class Entry<value> extends LineMember {
  readonly key: string
  readonly value: value

  constructor(key: string, value: value) {
    super()
    this.key = key
    this.value = value
  }
}

export class Lru<value> {
  readonly #entries = new Map<string, Entry<value>>()
  /** The same entries, the one that was not used for longest first. */
  readonly #line = new Line<Entry<value>>()
  readonly #most: number
  readonly #onForget: ((value: value) => void) | undefined

  /** @param onForget  is told of each value that goes */
  constructor(most: number, onForget?: (value: value) => void) {
    this.#most = most
    this.#onForget = onForget
  }

  get(key: string): value | undefined {
    const found = this.#entries.get(key)
    if (found === undefined) return undefined
    this.#line.remove(found)
    this.#line.add(found)
    return found.value
  }

  set(key: string, value: value): void {
    this.#forget(this.#entries.get(key))
    if (this.#entries.size >= this.#most) this.#forget(this.#line.first)
    const entry = new Entry(key, value)
    this.#entries.set(key, entry)
    this.#line.add(entry)
  }

  delete(key: string): void {
    this.#forget(this.#entries.get(key))
  }

  get size(): number {
    return this.#entries.size
  }

  #forget(entry: Entry<value> | undefined): void {
    if (entry === undefined) return
    this.#line.remove(entry)
    this.#entries.delete(entry.key)
    this.#onForget?.(entry.value)
  }
}
