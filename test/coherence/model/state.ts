// The states of the protocol, for one row that is cached in a number of variants. Nothing counts without bound: a value is fresh or
// it is not, a Redis process is the present one or a former one, an epoch that nobody knows any more is forgotten. So writes, epochs,
// restarts and flushes may follow one another for ever and there is still a finite number of states.

/** What `plinth.cache_state` says. */
export type Switch = 'enabled' | 'disabling' | 'disabled' | 'enabling'

export interface StateRow {
  readonly state: Switch
  readonly epoch: number
  /** Whether the Redis process that the epoch is bound to is the one that runs now. */
  readonly present: boolean
}

/** What a variant of the row holds in Redis. A lease's holder is a reader, or `gone`. */
export type Slot =
  | { readonly holds: 'nothing' }
  | { readonly holds: 'lease'; readonly holder: number }
  | { readonly holds: 'value'; readonly fresh: boolean }

/** The row in one epoch. `locks` are the writers that have fenced it, or `gone`. */
export interface Row {
  readonly epoch: number
  readonly locks: readonly number[]
  readonly slots: readonly Slot[]
}

/** What Redis has in memory, or in a dump. `marks` are the epochs whose mark `g` is there. */
export interface Store {
  readonly marks: readonly number[]
  readonly rows: readonly Row[]
}

/** What a process was told about the cache: the state row as it was read. */
export type Told = StateRow

/**
 * idle → began (has its transaction's id and the lock on the row) → told (has read the state) → fenced → committed → idle.
 * `looked` is there only for the mutation that reads the state before the id.
 */
export interface Writer {
  readonly at: 'idle' | 'looked' | 'began' | 'told' | 'fenced' | 'committed'
  readonly told?: Told
}

/** idle → sent (its GET is under way) → found (the reply is) → idle; or sent → leased → loaded (has read the database) → idle. */
export interface Reader {
  /** What it may use for at most L from now on. */
  readonly permission?: Told
  readonly at: 'idle' | 'sent' | 'found' | 'leased' | 'loaded'
  readonly used?: Told
  readonly variant?: number
  /** Of the value it has: from Redis (`found`, as it was at the GET) or from the database (`loaded`, as it is now). */
  readonly fresh?: boolean
}

/** A fence that a frozen connection will deliver later. */
export interface LateFence {
  readonly epoch: number
  readonly writer: number
}

export interface State {
  readonly row: StateRow
  /** Writers whose transactions the switch to `enabled` waits for. */
  readonly horizon: readonly number[]
  readonly redis: Store
  readonly dump: Store | undefined
  readonly writers: readonly Writer[]
  readonly readers: readonly Reader[]
  readonly late: readonly LateFence[]
}

/** A token whose owner does not exist any more. */
export const gone = -1

export interface Size {
  readonly writers: number
  readonly readers: number
  readonly variants: number
}

const firstEpoch = 1

export function initialState({ writers, readers }: Size): State {
  return {
    row: { state: 'enabled', epoch: firstEpoch, present: true },
    horizon: [],
    redis: { marks: [firstEpoch], rows: [] },
    dump: undefined,
    writers: Array.from({ length: writers }, () => ({ at: 'idle' })),
    readers: Array.from({ length: readers }, () => ({ at: 'idle' })),
    late: [],
  }
}

/** Whether PostgreSQL would say that the transaction of this writer is in progress. */
export function inProgress(state: State, writer: number): boolean {
  const at = state.writers[writer]?.at
  return at === 'began' || at === 'told' || at === 'fenced'
}

export function replaceAt<item>(list: readonly item[], index: number, item: item): item[] {
  const copy = [...list]
  copy[index] = item
  return copy
}
