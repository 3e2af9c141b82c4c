// Asks for the permission again and again while there are reads, and keeps the cache on: switches it off when the database, a table or
// Redis is not what the epoch was begun with, and on again when all is well.

import type { Logger } from '../../core/log.ts'
import type { Session } from '../../db/session.ts'
import type { Redis } from '../../redis/redis.ts'
import { Backoff } from './backoff.ts'
import type { FencedFaults } from './faults.ts'
import type { OffSwitch } from './off-switch.ts'
import { busy, type OnSwitch } from './on-switch.ts'
import type { FencedTable, Permission } from './permission.ts'
import { type FenceState, readState, type Seen, seeState } from './state.ts'
import { idleMs, pollMs } from './timing.ts'
import { type Witness, witnesses } from './witness.ts'

export interface KeeperParts {
  readonly session: Session
  readonly redis: Redis
  readonly log: Logger
  readonly faults: FencedFaults
  readonly tables: readonly FencedTable[]
  readonly permission: Permission
  readonly off: OffSwitch
  readonly on: OnSwitch
}

export class Keeper {
  readonly #parts: KeeperParts
  readonly #names: readonly string[]
  readonly #backoff = new Backoff()
  #state: FenceState | undefined
  #reason: string | undefined
  #switching: Promise<void> | undefined
  #polling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #wantedAt = -Infinity
  #closed = false

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.#names = parts.tables.map(({ name }) => name)
  }

  /** What was seen last, and why the cache is not on. */
  get seen(): { readonly state: FenceState | undefined; readonly reason: string | undefined } {
    return { state: this.#state, reason: this.#reason }
  }

  /** Somebody reads: go on asking. */
  want(): void {
    this.#wantedAt = performance.now()
    if (this.#timer === undefined && this.#polling === undefined) void this.poll()
  }

  /** Asks once, now. Resolves when it is known what that means, never rejects. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined
      this.#plan()
    })
    return this.#polling
  }

  /** Ends the epoch that there is. */
  async end(reason: string): Promise<void> {
    const { session, off } = this.#parts
    const { epoch } = await readState(session)
    if (epoch !== undefined) await off.disable(epoch, reason)
  }

  /** Resolves when switching, if it is under way, has ended. */
  async settled(): Promise<void> {
    await this.#switching
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#parts.permission.withdraw()
    await Promise.allSettled([this.#polling, this.#switching])
  }

  #plan(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#closed || performance.now() - this.#wantedAt > idleMs) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.poll()
    }, pollMs).unref()
  }

  async #poll(): Promise<void> {
    const { session, permission, off } = this.#parts
    const askedAt = performance.now()
    try {
      const seen = await seeState(session, this.#names)
      off.permissionMs = seen.permissionMs
      this.#notice(seen.state)
      if (seen.state === 'enabled') await this.#lookAtEpoch(seen, askedAt)
      else {
        permission.withdraw()
        this.#switchOn(seen)
      }
    } catch (error) {
      // The database is away: the permission ends by itself.
      this.#reason = messageOf(error)
    }
  }

  #notice(state: FenceState): void {
    if (this.#state === state) return
    if (state === 'enabled') this.#parts.log.info({}, 'the fenced cache is on')
    if (state === 'enabled') this.#backoff.succeeded()
    if (this.#state === 'enabled') this.#backoff.failed()
    this.#state = state
  }

  async #lookAtEpoch(seen: Seen, askedAt: number): Promise<void> {
    const { permission, off } = this.#parts
    const { epoch = '' } = seen
    const problem = problemOf(seen) ?? (await this.#problemOfRedis(seen))
    this.#reason = problem?.text
    if (problem === undefined) return permission.grant(seen, askedAt)
    permission.withdraw()
    if (problem.endsEpoch) this.#start(() => off.disable(epoch, problem.text))
  }

  async #problemOfRedis({ epoch = '', servers }: Seen): Promise<Problem | undefined> {
    const { redis, faults } = this.#parts
    if (!redis.usable) return { text: 'Redis cannot be reached', endsEpoch: false }
    try {
      const found = await witnesses(redis, epoch, servers.length, 'look')
      return found.map((witness, bucket) => problemOfServer(witness, servers[bucket], faults)).find((problem) => problem !== undefined)
    } catch (error) {
      return { text: messageOf(error), endsEpoch: false }
    }
  }

  /** Does the next step towards `enabled`, one at a time. */
  #switchOn(seen: Seen): void {
    const { on, off, redis } = this.#parts
    const { state, epoch = '' } = seen
    if (state === 'disabling') this.#start(() => off.finish(epoch))
    if (!redis.usable) this.#reason = 'Redis cannot be reached'
    else if (state === 'enabling') this.#start(async () => this.#tried(await on.resume(seen)))
    else if (state === 'disabled' && !seen.isHeld && this.#backoff.isOver()) this.#start(async () => this.#tried(await on.enable(seen)))
  }

  #tried(failure: string | undefined): void {
    this.#reason = failure
    if (failure === undefined) void this.poll()
    else if (failure !== busy) this.#backoff.failed()
  }

  #start(step: () => Promise<void>): void {
    if (this.#switching !== undefined || this.#closed) return
    this.#switching = step()
      .catch((error: unknown) => {
        this.#reason = messageOf(error)
        this.#backoff.failed()
      })
      .finally(() => (this.#switching = undefined))
  }
}

interface Problem {
  readonly text: string
  /** False when it may be this process's alone. */
  readonly endsEpoch: boolean
}

function problemOf({ isSamePlace, tables }: Seen): Problem | undefined {
  if (!isSamePlace) return { text: 'the database has moved, or has come back from a crash', endsEpoch: true }
  const changed = tables.find(({ shape, recorded }) => shape !== recorded)
  return changed === undefined ? undefined : { text: `the table ${changed.name} or its triggers have changed`, endsEpoch: true }
}

function problemOfServer({ server, hasMark, unfit }: Witness, recorded: string | undefined, faults: FencedFaults): Problem | undefined {
  if (unfit !== undefined) return { text: `Redis cannot be used: ${unfit}`, endsEpoch: true }
  if (server !== recorded && faults.runId !== true) return { text: 'Redis is another process, or has other data', endsEpoch: true }
  if (!hasMark && faults.mark !== true) return { text: 'Redis has lost its data', endsEpoch: true }
  return undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
