// Is the history of a register linearizable: is there one order of all its reads and writes that agrees with the clock and in which
// every read returns the latest write before it?
//
// In general that takes a search that may be exponential. Here every write has a value of its own, so each read tells which write it
// saw, and an interval test decides it in n log n (Gibbons & Korach, "Testing shared memories", SIAM J. Comput. 26(4), 1997):
//
// - A write and the reads of its value stand together in any such order: a cluster. Let `firstEnd` be the earliest end among its
//   operations and `lastBegin` the latest beginning. If firstEnd < lastBegin, the register must hold this value from the one to the
//   other: a held zone. Otherwise all its operations share a moment between lastBegin and firstEnd, and one moment is enough.
// - Cluster A can stand before B unless an operation of B ended before one of A began: B.firstEnd < A.lastBegin. So two clusters have no
//   order when both are held and their zones overlap, or when a moment's zone lies inside a held one. The theorem says that no other
//   cycle needs to be looked for.
//
// A write without an answer may have happened at any time after it was sent, or never: it ends at Infinity, and if nobody read it,
// its zone lies inside no other. Operations that touch (one ends when the other begins) count as concurrent.

/** Times are of one clock, in any unit. */
export interface Read {
  readonly value: number
  readonly begin: number
  readonly end: number
  /** The process that was asked, where that matters. */
  readonly by?: number
}

export interface Write {
  /** Of this write alone. */
  readonly value: number
  readonly begin: number
  /** Infinity: there was no answer, so it may have happened at any time since, or never. */
  readonly end: number
  readonly by?: number
}

export interface RegisterHistory {
  /** What the register held before all operations. */
  readonly initial: number
  readonly writes: readonly Write[]
  /** Those that were answered; the others say nothing. */
  readonly reads: readonly Read[]
}

/** A write with the reads that saw it. */
export interface Cluster {
  readonly write: Write
  readonly reads: readonly Read[]
  readonly firstEnd: number
  readonly lastBegin: number
}

export type Violation =
  /** Nobody wrote it, or whoever did was refused. */
  | { readonly kind: 'never written'; readonly read: Read }
  /** The read ended before its value was sent. */
  | { readonly kind: 'from the future'; readonly read: Read; readonly write: Write }
  /** `inner` was written or read between two moments at which the register held `outer`: a stale read, or a lost write. */
  | { readonly kind: 'inside'; readonly inner: Cluster; readonly outer: Cluster }
  /** Of near copies (`near.ts`): the process had acknowledged the write, and later gave something older. */
  | { readonly kind: 'own write unseen'; readonly read: Read; readonly write: Write }
  /** Each of the two was there after the other. */
  | { readonly kind: 'back and forth'; readonly inner: Cluster; readonly outer: Cluster }

/** Everything that contradicts; none: the history is linearizable. At most one for each value, and one for each read that no write explains. */
export function checkRegister(history: RegisterHistory): Violation[] {
  const { clusters, violations } = gather(history)
  const held = clusters.filter(isHeld).toSorted((a, b) => a.firstEnd - b.firstEnd)
  const moments = clusters.filter((cluster) => !isHeld(cluster))
  return [...violations, ...overlaps(held), ...insides(moments, held)]
}

function isHeld({ firstEnd, lastBegin }: Cluster): boolean {
  return firstEnd < lastBegin
}

function gather({ initial, writes, reads }: RegisterHistory): { clusters: Cluster[]; violations: Violation[] } {
  const first: Write = { value: initial, begin: -Infinity, end: -Infinity }
  const found = new Map([first, ...writes].map((write) => [write.value, { write, reads: [] as Read[] }]))
  if (found.size !== writes.length + 1) throw new Error('Two writes of one register have the same value.')
  const violations: Violation[] = []
  for (const read of reads) {
    const { write, reads: seen } = found.get(read.value) ?? {}
    if (write === undefined) violations.push({ kind: 'never written', read })
    else if (read.end < write.begin) violations.push({ kind: 'from the future', read, write })
    else seen?.push(read)
  }
  return { clusters: [...found.values()].map(clusterOf), violations }
}

function clusterOf({ write, reads }: { write: Write; reads: readonly Read[] }): Cluster {
  const firstEnd = reads.reduce((least, { end }) => Math.min(least, end), write.end)
  const lastBegin = reads.reduce((most, { begin }) => Math.max(most, begin), write.begin)
  return { write, reads, firstEnd, lastBegin }
}

/** @param held  by `firstEnd` */
function overlaps(held: readonly Cluster[]): Violation[] {
  const violations: Violation[] = []
  let longest: Cluster | undefined
  for (const cluster of held) {
    if (longest !== undefined && cluster.firstEnd < longest.lastBegin)
      violations.push({ kind: 'back and forth', inner: cluster, outer: longest })
    if (longest === undefined || cluster.lastBegin > longest.lastBegin) longest = cluster
  }
  return violations
}

/** @param held  by `firstEnd` */
function insides(moments: readonly Cluster[], held: readonly Cluster[]): Violation[] {
  const violations: Violation[] = []
  let longest: Cluster | undefined
  let next = 0
  for (const inner of moments.toSorted((a, b) => a.lastBegin - b.lastBegin)) {
    for (let zone = held[next]; zone !== undefined && zone.firstEnd < inner.lastBegin; zone = held[next]) {
      if (longest === undefined || zone.lastBegin > longest.lastBegin) longest = zone
      next += 1
    }
    if (longest !== undefined && inner.firstEnd < longest.lastBegin) violations.push({ kind: 'inside', inner, outer: longest })
  }
  return violations
}
