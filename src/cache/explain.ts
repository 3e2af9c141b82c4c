// What the cache has for a read, and what would come of it now: the facts, and a sentence.

import type { Entry } from './entry.ts'
import type { RowSight } from './fenced/look.ts'
import type { Copy } from './memory-store.ts'
import type { CachedRead, CacheModeName, CacheStatus } from './read.ts'

/** Something that is kept for the read. */
export interface Kept {
  /** Of the body. */
  readonly bytes: number
  /** What the tables were when it was made. */
  readonly version: string
  /** Milliseconds until it is not used any more; negative: since. */
  readonly leftMs: number
}

export interface KeptHere extends Kept {
  /** Milliseconds for which it may still be given without asking for the version; 0: not. */
  readonly nearMs: number
}

/** What a process knows about something that is kept, by its key alone. */
export interface Lookup {
  readonly memory: Kept | undefined
  readonly redis: Kept | undefined
  /** Undefined without Redis. */
  readonly redisUsable: boolean | undefined
}

/** Whether the fenced cache is on in a process, and what it has of the row. */
export interface FencedSight {
  readonly on: boolean
  readonly state?: unknown
  readonly reason?: unknown
  /** Undefined while the row may not be read from the cache. */
  readonly row?: RowSight
}

export interface Explanation extends Lookup {
  readonly key: string
  /** `fenced` for a read of one row of a fenced resource; its other reads are verified. */
  readonly mode: CacheModeName
  readonly ttlMs: number
  readonly nearMs: number
  readonly tables: readonly string[]
  /** Of the tables, asked right now; undefined when one of them is not tracked. */
  readonly version: string | undefined
  readonly untracked: readonly string[]
  readonly memory: KeptHere | undefined
  /** Only for reads of the fenced mode. */
  readonly fenced: FencedSight | undefined
  /** What a read would be now. */
  readonly verdict: CacheStatus
  readonly because: string
}

export function kept({ body }: Entry, version: string, leftMs: number): Kept {
  return { bytes: body.length, version, leftMs: Math.round(leftMs) }
}

export function keptHere({ entry, version, expiresAt }: Copy, { settings, tables }: CachedRead): KeptHere {
  const now = performance.now()
  const isUnwritten = version.stamp === tables.stamp() && now <= expiresAt
  const nearMs = isUnwritten ? Math.max(0, Math.round(version.askedAt + settings.nearMs - now)) : 0
  return { ...kept(entry, version.text, expiresAt - now), nearMs: settings.nearMs === 0 ? 0 : nearMs }
}

export type Facts = Omit<Explanation, 'verdict' | 'because'>

export function explanation(facts: Facts): Explanation {
  const [verdict, because] = fencedVerdict(facts) ?? verifiedVerdict(facts)
  return { ...facts, verdict, because }
}

type Verdict = readonly [verdict: CacheStatus, because: string]

/** Undefined while the fenced cache is off: then the row is read like everything else. */
function fencedVerdict({ fenced }: Facts): Verdict | undefined {
  const row = fenced?.row
  if (row === undefined) return undefined
  if (!row.hasMark) return ['bypass', 'Redis has lost its data: the fenced cache will be switched off and on again.']
  if (row.locked) return ['bypass', 'A transaction is changing the row: until it has ended the row is read from the database.']
  return row.has ? ['hit', 'The row is in Redis; the database is not asked.'] : ['miss', 'The row is not in Redis yet.']
}

function verifiedVerdict(facts: Facts): Verdict {
  const { version, untracked, memory, redis } = facts
  if (version === undefined) return ['bypass', whyUntracked(untracked)]
  if ((memory?.nearMs ?? 0) > 0) return ['near', 'This process has a near copy; nobody is asked.']
  if (memory !== undefined && isRight(memory, version)) return ['hit', 'This process has the answer for the version of now.']
  if (redis !== undefined && isRight(redis, version)) return ['hit', 'Redis has the answer for the version of now.']
  return ['miss', whyMissed(facts)]
}

function isRight(kept: Kept, version: string): boolean {
  return kept.version === version && kept.leftMs > 0
}

function whyUntracked(tables: readonly string[]): string {
  const names = tables.length === 0 ? 'A table of the read' : tables.join(', ')
  return `${names} has no triggers that would tell when it changes. Run: plinth db migrate, plinth db upgrade.`
}

function whyMissed({ memory, redis, version }: Facts): string {
  const kept = [memory, redis].filter((one) => one !== undefined)
  if (kept.length === 0) return 'Nothing is kept for this read.'
  return kept.some((one) => one.version === version) ? 'What is kept has come to the end of its time.' : 'Its tables were written to since.'
}
