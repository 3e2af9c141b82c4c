// `plinth.cache_state` as a process sees it, and the ways from state to state. Each is one statement in a transaction of its own.

import type { Session } from '../../db/session.ts'

export type FenceState = 'enabled' | 'disabling' | 'disabled' | 'enabling'

/** What a writer has to know. */
export interface Told {
  readonly state: FenceState
  readonly epoch: string | undefined
  /** Redis servers that the epoch is bound to, one for each bucket. */
  readonly servers: readonly string[]
  /** Where this was read: another server, database or timeline, or one that has crashed since, is another place. */
  readonly place: string
}

/** What a reader has to know. */
export interface Seen extends Told {
  /** The place where the epoch was begun is the one where this was read. */
  readonly isSamePlace: boolean
  readonly permissionMs: number
  /** Until then whoever has switched the cache off wants it to stay so. */
  readonly isHeld: boolean
  readonly tables: readonly SeenTable[]
}

export interface SeenTable {
  /** As it was asked for. */
  readonly name: string
  /** Undefined when there is no such table. */
  readonly oid: string | undefined
  /** Columns of the primary key in the order of their names. */
  readonly key: readonly KeyColumn[]
  /** Undefined when not every write to it would be seen. */
  readonly shape: string | undefined
  /** Its shape when the epoch began. */
  readonly recorded: string | undefined
}

export interface KeyColumn {
  readonly name: string
  /** `integer`, `uuid`, `character varying`, … */
  readonly type: string
  /** Characters of a `varchar(n)`. */
  readonly length: number | null
}

interface StateRow {
  readonly state: FenceState
  readonly epoch: string | null
  readonly redis_run_id: string | null
  readonly place: string
}

interface SeenRow extends StateRow {
  readonly same_place: boolean | null
  readonly permission_ms: number
  readonly held: boolean | null
  readonly tables:
    | readonly { name: string; oid: string | null; key: KeyColumn[] | null; shape: string | null; recorded: string | null }[]
    | null
}

const stateQuery = `SELECT state, epoch::text, redis_run_id, plinth.identity() AS place FROM plinth.cache_state WHERE id = 1`

const seenQuery = `SELECT s.state, s.epoch::text, s.redis_run_id, i.place, s.identity = i.place AS same_place, s.permission_ms, s.unfenced_until > clock_timestamp() AS held,
  (SELECT jsonb_agg(jsonb_build_object('name', t.name, 'oid', c.oid::text, 'key', k.columns, 'shape', plinth.fence_shape(c.oid), 'recorded', s.tables ->> c.oid::text))
    FROM unnest($1::text[]) t (name), LATERAL (SELECT to_regclass(t.name)::oid AS oid) c, LATERAL (
      SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', a.atttypid::regtype::text, 'length', information_schema._pg_char_max_length(a.atttypid, a.atttypmod))
        ORDER BY a.attname COLLATE "C") AS columns
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ANY (plinth.fence_key(c.oid))) k) AS tables
FROM plinth.cache_state s, (SELECT plinth.identity() AS place) i WHERE s.id = 1`

const serverSeparator = ' '

export function toldOf({ state, epoch, redis_run_id, place }: StateRow): Told {
  return { state, epoch: epoch ?? undefined, servers: redis_run_id?.split(serverSeparator) ?? [], place }
}

/** The state of this moment, on the session's connection. */
export async function readState(session: Session): Promise<Told> {
  return toldOf(only(await session.query<StateRow>(stateQuery)))
}

/** The state, and what it means for some tables. */
export async function seeState(session: Session, tables: readonly string[]): Promise<Seen> {
  const row = only(await session.query<SeenRow>(seenQuery, [tables]))
  return {
    ...toldOf(row),
    isSamePlace: row.same_place === true,
    permissionMs: row.permission_ms,
    isHeld: row.held === true,
    tables: (row.tables ?? []).map(({ name, oid, key, shape, recorded }) => ({
      name,
      oid: oid ?? undefined,
      key: key ?? [],
      shape: shape ?? undefined,
      recorded: recorded ?? undefined,
    })),
  }
}

/**
 * @param epoch   that shall end
 * @param holdMs  for so long nobody enables the cache again
 * @returns       the epoch whose end has to be waited for; undefined when there is none, because the cache is off or has another epoch
 */
export async function beginDisabling(session: Session, epoch: string, holdMs = 0): Promise<string | undefined> {
  const [row] = await session.query<{ epoch: string | null }>('SELECT plinth.cache_disabling($1::interval, $2)::text AS epoch', [
    `${holdMs} ms`,
    epoch,
  ])
  return row?.epoch ?? undefined
}

export async function endDisabling(session: Session, epoch: string): Promise<void> {
  await session.query('SELECT plinth.cache_disabled($1)', [epoch])
}

/** @returns whether the cache is now enabling this epoch */
export async function beginEnabling(session: Session, epoch: string, servers: readonly string[]): Promise<boolean> {
  const [row] = await session.query<{ done: boolean }>('SELECT plinth.cache_enabling($1, $2) AS done', [
    epoch,
    servers.join(serverSeparator),
  ])
  return row?.done === true
}

/** @returns whether the cache is now enabled in this epoch */
export async function endEnabling(session: Session, epoch: string): Promise<boolean> {
  const [row] = await session.query<{ done: boolean }>('SELECT plinth.cache_enabled($1) AS done', [epoch])
  return row?.done === true
}

/** The first transaction id that nobody has been given yet. */
export async function horizon(session: Session): Promise<string> {
  const [row] = await session.query<{ horizon: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS horizon')
  return row?.horizon ?? ''
}

/** Whether every transaction before the horizon has ended. */
export async function hasPassed(session: Session, horizon: string): Promise<boolean> {
  const [row] = await session.query<{ passed: boolean }>('SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 AS passed', [horizon])
  return row?.passed === true
}

/** Those of the transactions that have ended; of one that is too old to be known that is certain. */
export async function endedOf(session: Session, xids: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ xid: string }>(
    `SELECT x AS xid FROM unnest($1::text[]) x WHERE coalesce(pg_xact_status(x::xid8), 'ended') <> 'in progress'`,
    [xids],
  )
  return rows.map(({ xid }) => xid)
}

function only<row>([row]: readonly row[]): row {
  if (row === undefined) throw new Error('plinth.cache_state has no row.')
  return row
}
