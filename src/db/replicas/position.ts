// A place in the primary's write-ahead log: what was written is before it, and a standby that has replayed up to it shows it.

import type { Statement, TextRows } from '../rows.ts'
import { textColumns } from '../rows.ts'

export interface Position {
  /** Grows with every failover. A standby that stayed on an older one has bytes of its own, which mean nothing here. */
  readonly timeline: number
  readonly byte: bigint
}

/** What a read must have behind it: nothing in particular, a position, or `primary` when nobody knows which. */
export type Demand = Position | 'primary' | undefined

/**
 * Where the primary is. The insert position, because with `synchronous_commit = off` a commit is acknowledged before it is
 * written; it may point behind the header of a page that nobody has begun, and is then reached with the next record.
 */
export const primaryQuestion: Statement = {
  name: 'plinth_primary_position',
  text: `select pg_current_wal_insert_lsn()::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)`,
  values: [],
}

export function readPosition(rows: TextRows): Position {
  const [lsn, timeline] = textColumns(rows, 0)
  if (lsn === undefined || lsn === null || timeline === undefined || timeline === null) throw new Error('The primary has no position.')
  return { timeline: Number.parseInt(timeline, 16), byte: parseLsn(lsn) }
}

/** `16/B374D848` → the number of bytes since the log began. */
export function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** What has to be behind a read that has to have both behind it. */
export function both(one: Demand, other: Demand): Demand {
  if (one === undefined || other === 'primary') return other
  if (other === undefined || one === 'primary') return one
  return { timeline: Math.max(one.timeline, other.timeline), byte: one.byte > other.byte ? one.byte : other.byte }
}

/** Whether a standby at `reached` has everything that stands before `wanted`. */
export function isReached(wanted: Position, reached: Position): boolean {
  return reached.timeline >= wanted.timeline && reached.byte >= wanted.byte
}

const tokenForm = /^([0-9a-f]{1,8})-([0-9a-f]{1,16})$/

/** As a client carries it: `1-16b374d848`, or `primary`. */
export function tokenOf(demand: Position | 'primary'): string {
  return demand === 'primary' ? demand : `${demand.timeline.toString(16)}-${demand.byte.toString(16)}`
}

/** What is not a token of ours asks for the primary: then nobody's mistake makes a read stale. */
export function readToken(token: string): Position | 'primary' {
  const [, timeline, byte] = tokenForm.exec(token) ?? []
  return timeline === undefined || byte === undefined ? 'primary' : { timeline: Number.parseInt(timeline, 16), byte: BigInt(`0x${byte}`) }
}
