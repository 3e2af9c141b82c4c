// What this process knows of sessions that were changed or deleted, anywhere, by anybody: asked of PostgreSQL three times a second while
// sessions are used. Copies are believed only while the last answer is fresh, so a change is known everywhere within a second.
//
// Why that is enough: let T change a session and commit with the id x. A question whose snapshot is taken after the commit is told of x: it
// asks for all ids from the previous answer's xmin on, and T was either open or not begun in that snapshot, so x is not below it. A copy
// that was read before the commit has a version (its snapshot's xmin) of at most x, so it is not believed any more. Ids are removed from
// the list only together with raising `below`, under which no copy is believed.

import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import type { Database } from '../db/database.ts'
import { textColumns } from '../db/rows.ts'

/** Between two questions. */
const askMs = 300
/** An answer is good for so long after it was asked for; the rest of the second is for what is on its way. No process believes in what was before a change for longer. */
export const goodMs = 800
/** Nobody asks for sessions that nobody uses. */
const idleMs = 10_000
/** More changes than this at once, and every older copy is worth nothing. */
const mostChanges = 10_000
/** Changes are kept so long, then every copy that is as old is worth nothing. */
export const keepMs = 10 * 60_000

const question = {
  name: 'plinth_session_changes',
  text: `SELECT plinth.identity(), pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()),
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    coalesce((SELECT below FROM plinth.session_changes_removed WHERE home = plinth.home()), '0'),
    (SELECT string_agg(concat(encode(id, 'hex'), '.', version), ',') FROM (
      SELECT id, version FROM plinth.session_changes WHERE home = plinth.home() AND version >= $1::text::xid8 LIMIT ${mostChanges + 1}) recent)`,
}

/** The last answer. */
interface Answer {
  /** When it was asked for, by our clock. */
  readonly askedAt: number
  readonly identity: string
  /** From which on the next question asks. */
  readonly version: bigint
  /** PostgreSQL's clock. */
  readonly nowMs: number
}

/** The oldest snapshot's id that was seen, and when: nothing below it was open then. */
interface Horizon {
  readonly version: bigint
  readonly at: number
}

export class SessionChanges {
  readonly #db: Database
  readonly #outside = AsyncLocalStorage.snapshot()
  readonly #changes = new Map<string, bigint>()
  readonly #horizons: Horizon[] = []
  #answer: Answer | undefined
  #below = 0n
  #usedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #asking = false
  #closed = false

  constructor(db: Database) {
    this.#db = db
  }

  /** Of the database; undefined when it is not known whether copies can be believed. Keeps the questions going. */
  identity(): string | undefined {
    this.#usedAt = performance.now()
    if (this.#timer === undefined && !this.#asking && !this.#closed) this.#outside(() => void this.#ask())
    return this.#fresh()?.identity
  }

  /** PostgreSQL's clock, in milliseconds; NaN when the last answer is too old. */
  now(): number {
    const answer = this.#fresh()
    return answer === undefined ? Number.NaN : answer.nowMs + performance.now() - answer.askedAt
  }

  /** Whether nothing has happened to a session since its copy was made. */
  believes(hash: string, version: bigint): boolean {
    if (this.#fresh() === undefined || version < this.#below) return false
    const change = this.#changes.get(hash)
    return change === undefined || version > change
  }

  /** Notes a change of our own, before anybody else hears of it. That it may be rolled back does no harm. */
  note(hash: string, version: bigint): void {
    // The last one counts: an answer may be of before it, and lists come in no order.
    if (version > (this.#changes.get(hash) ?? -1n)) this.#changes.set(hash, version)
  }

  /** Below this id every transaction was over `keepMs` ago; undefined when that is not known yet. */
  removable(): bigint | undefined {
    const old = this.#horizons.findLast(({ at }) => performance.now() - at > keepMs)
    return old?.version
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #fresh(): Answer | undefined {
    const answer = this.#answer
    return answer !== undefined && performance.now() - answer.askedAt < goodMs ? answer : undefined
  }

  async #ask(): Promise<void> {
    this.#asking = true
    const askedAt = performance.now()
    try {
      const rows = await this.#db.read({ ...question, values: [String(this.#answer?.version ?? 0n)] })
      this.#take(askedAt, textColumns(rows, 0))
    } catch {
      // Nothing is believed as long as there is no answer, and whoever wants a session hears from the database why.
    }
    this.#asking = false
    if (this.#closed) return
    this.#timer = performance.now() - this.#usedAt > idleMs ? undefined : setTimeout(() => void this.#ask(), askMs).unref()
  }

  #take(askedAt: number, [identity = '', xmin, xmax, nowMs, below, changes]: (string | null)[]): void {
    if (this.#answer !== undefined && identity !== this.#answer.identity) this.#startAnew()
    this.#answer = { askedAt, identity: identity ?? '', version: BigInt(xmin ?? 0), nowMs: Number(nowMs) }
    this.#raise(BigInt(below ?? 0))
    const list = changes === null || changes === undefined ? [] : changes.split(',')
    // Whatever is read in a snapshot in which everything below xmax is over, has all of these changes.
    if (list.length > mostChanges || this.#changes.size > mostChanges) this.#raise(BigInt(xmax ?? 0))
    else for (const change of list) this.#hear(change.split('.'))
    this.#remember(askedAt)
  }

  /** Another server, or the same after a crash: ids mean something else. */
  #startAnew(): void {
    this.#changes.clear()
    this.#horizons.length = 0
    this.#below = 0n
  }

  /** Without an id: all sessions. */
  #hear([hash = '', version = '0']: string[]): void {
    if (hash === '') this.#raise(BigInt(version) + 1n)
    else this.note(hash, BigInt(version))
  }

  #raise(below: bigint): void {
    if (below <= this.#below) return
    this.#below = below
    for (const [hash, version] of this.#changes) if (version < below) this.#changes.delete(hash)
  }

  /** One a minute, and those of the last time that is of interest. */
  #remember(at: number): void {
    const last = this.#horizons.at(-1)
    if (last === undefined || at - last.at > keepMs / 10) this.#horizons.push({ version: this.#answer?.version ?? 0n, at })
    while (this.#horizons[1] !== undefined && at - this.#horizons[1].at > keepMs) this.#horizons.shift()
  }
}

/** Removes at most so many changes below `version`. Copies that are as old are not believed from then on. @returns how many were removed */
export async function forgetChanges(db: Database, version: bigint, most: number): Promise<number> {
  const { affected } = await db.write(
    {
      text: `WITH raised AS (
      INSERT INTO plinth.session_changes_removed (home, below) VALUES (plinth.home(), $1::text::xid8)
      ON CONFLICT (home) DO UPDATE SET below = excluded.below WHERE session_changes_removed.below < excluded.below
    ) DELETE FROM plinth.session_changes WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM plinth.session_changes WHERE home = plinth.home() AND version < $1::text::xid8
      ORDER BY version LIMIT $2::text::integer FOR UPDATE SKIP LOCKED))`,
      values: [String(version), String(most)],
    },
    { tables: ['"plinth"."session_changes"'] },
  )
  return affected
}
