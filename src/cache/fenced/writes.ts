// Writes of fenced tables: a transaction whose rows are locked in Redis right before its COMMIT, and freed after it. When Redis cannot
// be relied on, the transaction is kept open while the cache is switched off, and then commits without a lock.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, TransactionOptions } from '../../db/database.ts'
import { retryLater } from '../../db/errors.ts'
import { pgProblemOf } from '../../db/pg-errors.ts'
import { textColumns } from '../../db/rows.ts'
import type { Session } from '../../db/session.ts'
import { fenceErrors } from './errors.ts'
import type { FencedFaults } from './faults.ts'
import { rowName } from './keys.ts'
import type { Locks } from './locks.ts'
import type { OffSwitch } from './off-switch.ts'
import { readState, type FenceState, type Told, toldOf } from './state.ts'
import { fenceDeadlineMs } from './timing.ts'
import { readTouched, type Touched } from './touched.ts'

export interface WritesParts {
  readonly db: Database
  readonly session: Session
  readonly off: OffSwitch
  /** Undefined without Redis: then nothing can be locked, and the cache has to be off. */
  readonly locks: Locks | undefined
  readonly faults: FencedFaults
}

/** Lets the triggers of fenced tables note rows instead of refusing the statement. */
const fenced = { 'plinth.fenced': 'on' } as const
/** Locking more rows takes Redis longer than switching the cache off takes us. */
const mostRows = 5_000
const pauseMs = 10

const fencing = { text: 'SELECT * FROM plinth.fencing()', values: [], name: 'plinth_fencing' } as const

export class FencedWrites {
  readonly #parts: WritesParts
  readonly #errands = new Set<Promise<void>>()
  readonly #beforeCommit = async (): Promise<void> => this.#fence(await this.#ask())

  constructor(parts: WritesParts) {
    this.#parts = parts
  }

  /** Without Redis no row can be locked; then the cache has to be off. */
  get canLock(): boolean {
    return this.#parts.locks !== undefined
  }

  /** Runs `work` in a transaction, or a savepoint, whose changes of fenced rows nobody reads from the cache once it is committed. */
  async transaction<result>(work: () => Promise<result>, options: TransactionOptions = {}): Promise<result> {
    const { db, session, faults } = this.#parts
    const before = faults.order === true ? await readState(session) : undefined
    const watched = (): Promise<result> => {
      const fence = before === undefined ? this.#beforeCommit : async () => this.#fence({ ...(await this.#ask()), told: before })
      db.beforeCommit(fence, { final: true })
      return work()
    }
    return db.transaction(watched, { ...options, settings: { ...options.settings, ...fenced } })
  }

  /** The same for the transaction that the caller is in. @throws AppError `DB_NO_TRANSACTION` */
  async enter(): Promise<void> {
    const { db } = this.#parts
    db.beforeCommit(this.#beforeCommit, { final: true })
    await db.query(`SELECT set_config('plinth.fenced', 'on', true)`)
  }

  /** Resolves when all locks of committed transactions were taken away, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#errands)
  }

  async #fence(asked: Asked): Promise<void> {
    if (asked.rows.length === 0) return
    const deadline = performance.now() + fenceDeadlineMs
    for (let told = asked.told; !(await this.#isSafe(told, asked)); told = await this.#look(asked, pauseMs)) {
      if (performance.now() > deadline) throw retryLater(fenceErrors.TIMEOUT())
    }
  }

  async #ask(): Promise<Asked> {
    const rows = await this.#parts.db.write(fencing, { tables: [] }).catch(refuse)
    const [xid = '', isolation, touched, place, state, epoch, redis] = textColumns(rows, 0)
    if (state === undefined || state === null) throw fenceErrors.NOT_INSTALLED()
    const told = toldOf({ state: state as FenceState, epoch: epoch ?? null, redis_run_id: redis ?? null, place: place ?? '' })
    const asked: Asked = { xid: xid ?? '', told, rows: readTouched(touched ?? '') }
    // With a fixed snapshot the transaction cannot see what the state is now; another connection can.
    return isolation === 'read committed' ? asked : { ...asked, told: await this.#look(asked, 0) }
  }

  /** True when the transaction may commit: its rows are locked, or the cache is off and stays off until it has ended. */
  async #isSafe(told: Told, asked: Asked): Promise<boolean> {
    const { off, faults } = this.#parts
    const { state, epoch = '' } = told
    if (state === 'disabled') return this.#noteUnfenced(epoch)
    if (state === 'enabling' && faults.enabling === true) return true
    if (state === 'disabling') await off.finish(epoch)
    else if (await this.#lock(told, asked)) return true
    else if (isTooMuch(asked.rows)) await off.disable(epoch, 'a transaction changes more rows than can be locked one by one')
    else await off.disable(epoch, 'a write could not lock its rows in Redis', true)
    return false
  }

  #noteUnfenced(epoch: string): true {
    const { off, locks } = this.#parts
    if (locks !== undefined && !locks.isUsable() && epoch !== '') this.#run(off.hold(epoch))
    return true
  }

  async #lock({ epoch = '', servers }: Told, { rows, xid }: Asked): Promise<boolean> {
    const { db, locks } = this.#parts
    if (locks === undefined || isTooMuch(rows)) return false
    const names = rows.map(({ oid, key = [] }) => rowName(oid, key, servers.length))
    const lock = await locks.take(epoch, servers, names, xid)
    if (lock !== undefined) db.afterCommit(() => this.#run(locks.release(lock)))
    return lock !== undefined
  }

  async #look({ told: { place } }: Asked, afterMs: number): Promise<Told> {
    if (afterMs > 0) await sleep(afterMs)
    const told = await readState(this.#parts.session)
    if (told.place !== place) throw retryLater(fenceErrors.MOVED())
    return told
  }

  #run(errand: Promise<void>): void {
    const run: Promise<void> = errand.catch(() => undefined).finally(() => this.#errands.delete(run))
    this.#errands.add(run)
  }
}

const missingSqlstates: readonly (string | undefined)[] = ['42883', '3F000', '42P01']

/** @throws AppError `FENCE_NOT_INSTALLED` when that is why it failed, else the error itself */
function refuse(error: unknown): never {
  throw missingSqlstates.includes(pgProblemOf(error)?.sqlstate) ? fenceErrors.NOT_INSTALLED().with({ cause: error }) : error
}

/** What a transaction has found out before its commit. */
interface Asked {
  readonly xid: string
  readonly told: Told
  readonly rows: readonly Touched[]
}

function isTooMuch(rows: readonly Touched[]): boolean {
  return rows.length > mostRows || rows.some(({ key }) => key === undefined)
}
