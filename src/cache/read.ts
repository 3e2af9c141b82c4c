// A read as the cache knows it, and what answers one. The cache sees keys, tables and bytes: what a plan or a request is, it does not know.

import type { Reads } from '../db/database.ts'
import type { Statement } from '../db/rows.ts'
import type { Entry } from './entry.ts'
import type { TableSet } from './tables.ts'

export type CacheModeName = 'verified' | 'fenced'

/** How a resource is cached. */
export interface CacheSettings {
  readonly mode: CacheModeName
  readonly ttlMs: number
  /** How long an answer may be given without asking for its version; 0: never. */
  readonly nearMs: number
}

/** What is cached of one read. The same key always means the same statements, shape and form of the answer. */
export interface CachedRead {
  /** For metrics. */
  readonly resource: string
  readonly key: string
  readonly settings: CacheSettings
  /** Asks for the version of what the answer depends on (`versionStatement`). */
  readonly question: Statement
  /** The same text stands for the same question about the same tables, whichever row it is about. */
  readonly kind: string
  /** The same text stands for the same question with the same values. */
  readonly asked: string
  /** Every table that is read. */
  readonly tables: TableSet
  /** Set for a read of one row and nothing else: its table and its key, for the fenced mode. */
  readonly row: RowAddress | undefined
  /** Statements' turns until the last: 1 for a list, 2 with includes; 0 when it is not known before. */
  readonly turns: number
  /** False when code of this process has shaped the answer: another version of that code may run elsewhere. */
  readonly shared: boolean
  /** The same data always gives the same bytes: every list in it has a total order. */
  readonly comparable: boolean
}

export interface RowAddress {
  /** Quoted and schema-qualified. */
  readonly table: string
  /** Parts of the primary key, as PostgreSQL texts. */
  readonly key: readonly string[]
}

/** Whether the fenced mode has a say in a read: of one row, finished in the same way by every process. */
export function isFencedRead(read: CachedRead): read is FencedRowRead {
  return read.settings.mode === 'fenced' && read.row !== undefined && read.shared
}

export type FencedRowRead = CachedRead & { readonly row: RowAddress }

/** How an answer was found. `bypass`: read past the cache. */
export type CacheStatus = 'hit' | 'near' | 'miss' | 'bypass'

export interface Found {
  /** Undefined when there is no such record. */
  readonly entry: Entry | undefined
  readonly status: CacheStatus
}

/** A read that was begun before it was known how to make its answer. Given to `Cache.read`, it is gone on with. */
export interface AheadRead {
  /** The answer, if it was found; the same object as long as its bytes are the same and it is asked for often. */
  readonly entry: Entry | undefined
}

/** Reads from the database and finishes the answer; undefined when there is no such record. */
export type Fill = (reads: Reads) => Promise<Entry | undefined>

/** One way to keep answers right. */
export interface CacheMode {
  read(read: CachedRead, fill: Fill): Promise<Found>
}
