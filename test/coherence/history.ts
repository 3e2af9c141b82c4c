// What the clients of one mode did and saw, and what the checker says of it.

import { checkRegister, type Read, type RegisterHistory, type Violation, type Write } from './checker.ts'
import { checkNear } from './near.ts'

/** A write that has been sent; it counts from then on, whether or not an answer comes. */
export interface Sent {
  readonly key: number
  readonly value: number
  readonly begin: number
  end: number
  /** The process that was asked; none for writes past the framework. */
  readonly by: number | undefined
  /** Its request is under way. */
  isOpen: boolean
}

export interface ReadFacts {
  /** The process that was asked. */
  readonly by?: number
  /** What kind of read it was. */
  readonly form?: string
  /** `X-Cache`. */
  readonly cache?: string
}

export interface KeyViolation {
  readonly key: number
  readonly violation: Violation
}

export interface Tally {
  /** Requests that were answered, or not; a list of records is one. */
  operations: number
  writes: number
  /** Those that were to be refused or rolled back, and were. */
  refused: number
  /** Requests without the answer they should have had, by what they had instead. */
  failures: Map<string, number>
  /** Writes that nobody knows about. */
  unknown: number
  longestReadMs: number
  longestWriteMs: number
  /** Reads by their form and `X-Cache`: `record hit`. */
  cache: Map<string, number>
}

/** What a key holds that is not in the answer. Values are counted upwards from 0. */
export const missing = -1

/** Milliseconds; the same clock for every operation. */
export const now = (): number => performance.now()

export class History {
  readonly tally: Tally = {
    operations: 0,
    writes: 0,
    refused: 0,
    failures: new Map(),
    unknown: 0,
    longestReadMs: 0,
    longestWriteMs: 0,
    cache: new Map(),
  }
  readonly #writes = new Map<number, Sent[]>()
  readonly #reads = new Map<number, Read[]>()

  /** Violations before the last `restart`. */
  readonly #found: KeyViolation[] = []
  #initial: ReadonlyMap<number, number>
  #start = 0

  readonly #check: (history: RegisterHistory) => Violation[]

  /**
   * @param initial  what each key held before
   * @param nearMs   how late a read may be; 0 for what has to be linearizable
   */
  constructor(initial: ReadonlyMap<number, number>, nearMs = 0) {
    this.#initial = initial
    this.#check = nearMs === 0 ? checkRegister : (history) => checkNear(history, nearMs)
    for (const key of initial.keys()) {
      this.#writes.set(key, [])
      this.#reads.set(key, [])
    }
  }

  /** What each key held before, or after the last `restart`. */
  get initial(): ReadonlyMap<number, number> {
    return this.#initial
  }

  get keys(): readonly number[] {
    return [...this.initial.keys()]
  }

  /** To be called before the request is sent: who is killed in between leaves a write that may have happened. */
  beginWrite(key: number, value: number, by?: number): Sent {
    const sent: Sent = { key, value, begin: now(), end: Infinity, by, isOpen: true }
    this.#writes.get(key)?.push(sent)
    return sent
  }

  /** @param sent  what one request has written */
  endWrite(sent: readonly Sent[]): void {
    const end = now()
    for (const write of sent) Object.assign(write, { isOpen: false, end })
    this.#countWrite(sent, end)
  }

  /** The server has said that it did not happen: from now on its values are some that nobody wrote. */
  refuseWrite(sent: readonly Sent[]): void {
    for (const write of sent) {
      const writes = this.#writes.get(write.key) ?? []
      const place = writes.lastIndexOf(write)
      if (place !== -1) writes.splice(place, 1)
    }
    this.tally.refused += 1
    this.#countWrite(sent, now())
  }

  loseWrite(sent: readonly Sent[], reason: string): void {
    for (const write of sent) write.isOpen = false
    this.tally.unknown += 1
    this.tally.operations += 1
    this.#fail(reason)
  }

  /** @param found  value by key; a key that was asked for and is not there has no value that anybody wrote */
  endRead(
    begin: number,
    asked: readonly number[],
    found: ReadonlyMap<number, number>,
    { by, form = 'record', cache = 'none' }: ReadFacts = {},
  ): void {
    const end = now()
    if (begin >= this.#start) for (const key of asked) this.#reads.get(key)?.push({ value: found.get(key) ?? missing, begin, end, by })
    this.tally.operations += 1
    this.tally.longestReadMs = Math.max(this.tally.longestReadMs, end - begin)
    increment(this.tally.cache, `${form} ${cache}`)
  }

  loseRead(reason: string): void {
    this.tally.operations += 1
    this.#fail(reason)
  }

  /** Of what happened so far: the beginning of a linearizable history is linearizable, too. */
  check(): KeyViolation[] {
    const found = [...this.initial].flatMap(([key, initial]) => {
      const history = { initial, writes: this.writesOf(key), reads: this.readsOf(key) }
      return this.#check(history).map((violation) => ({ key, violation }))
    })
    return [...this.#found, ...found]
  }

  /**
   * The database has lost what it had acknowledged last. From now on there is what it has kept, and what was lost must not be seen again;
   * what was asked for before may still be answered out of either, so such reads say nothing, and such writes may happen or not.
   *
   * @param kept  what each key holds now
   */
  restart(kept: ReadonlyMap<number, number>): void {
    this.#found.push(...this.check().slice(this.#found.length))
    this.#start = now()
    this.#initial = kept
    for (const key of kept.keys()) {
      this.#writes.set(key, this.#writes.get(key)?.filter(({ isOpen, value }) => isOpen && value !== kept.get(key)) ?? [])
      this.#reads.set(key, [])
    }
  }

  writesOf(key: number): readonly Write[] {
    return this.#writes.get(key) ?? []
  }

  readsOf(key: number): readonly Read[] {
    return this.#reads.get(key) ?? []
  }

  #countWrite(sent: readonly Sent[], end: number): void {
    this.tally.operations += 1
    this.tally.writes += 1
    this.tally.longestWriteMs = Math.max(this.tally.longestWriteMs, end - (sent[0]?.begin ?? end))
  }

  #fail(reason: string): void {
    increment(this.tally.failures, reason)
  }
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
