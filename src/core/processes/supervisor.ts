// Keeps so many workers running: starts them, replaces one that ends by itself, exchanges them all for new ones, and ends them. Knows
// nothing of how a worker is made, nor of what it serves.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { calmMs, CrashRecord } from './crash-record.ts'
import { Member, type WorkerEnd, type WorkerProcess } from './member.ts'

export interface SupervisorOptions {
  readonly count: number
  /**
   * Starts a worker.
   *
   * @param number  from 1; free again when the worker has ended
   * @param first   whether it is the first of its version: it prepares the database, and the others wait for it
   */
  fork(number: number, first: boolean): WorkerProcess
  readonly log: Logger
  /** Longest time a worker takes to end. */
  stopMs(): number
  /** Longest time a worker takes to serve, the very first excepted: it may have to load a seed. */
  readonly startMs?: number
}

export class Supervisor {
  readonly #options: Required<SupervisorOptions>
  readonly #members = new Map<number, Member>()
  readonly #crashes = new CrashRecord()
  readonly #gaveUp = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()
  #reloading: Promise<boolean> | undefined
  #reloadAgain = false
  #restarts = 0

  constructor(options: SupervisorOptions) {
    this.#options = { startMs: 60_000, ...options }
  }

  /** Workers that ended by themselves and were replaced. */
  get restarts(): number {
    return this.#restarts
  }

  /** Resolves when the workers end as fast as they are started, and none is left that serves soundly. */
  get gaveUp(): Promise<void> {
    return this.#gaveUp.promise
  }

  /**
   * Starts one worker, and when that one serves, the others.
   *
   * @returns undefined when all serve, else how the first one ended
   */
  async start(): Promise<WorkerEnd | undefined> {
    const first = this.#fork('trial', true)
    const end = await first.outcome()
    if (end !== undefined) return end
    first.state = 'staying'
    await Promise.all(this.#settle().map((member) => member.outcome()))
    return undefined
  }

  /**
   * Exchanges the workers one by one: a new one serves before an old one stops accepting, and that one has ended before the next is started,
   * so that there is never more than one too many (each has its connections to the database).
   *
   * @returns false when a new one did not come to serve; the old ones go on
   */
  reload(): Promise<boolean> {
    this.#reloadAgain = this.#reloading !== undefined // files may have changed since that one began
    this.#reloading ??= this.#exchangeAll().finally(() => (this.#reloading = undefined))
    return this.#reloading
  }

  /** Ends all of them, and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const members = [...this.#members.values()]
    for (const { worker } of members) worker.stop()
    await Promise.all(members.map((member) => this.#ended(member)))
  }

  /** At once, without asking. */
  kill(): void {
    this.#stopping.abort()
    for (const { worker } of this.#members.values()) worker.kill()
  }

  #fork(state: 'trial' | 'staying', first = false): Member {
    let number = 1
    while (this.#members.has(number)) number += 1
    const member = new Member(number, this.#options.fork(number, first), state)
    this.#members.set(number, member)
    void member.worker.leaving.then(() => this.#lost(member))
    void member.worker.exited.then((end) => this.#gone(member, end))
    return member
  }

  #gone(member: Member, end: WorkerEnd): void {
    this.#members.delete(member.number)
    this.#lost(member, end)
  }

  /** A worker that nobody had asked to end; without `end` while it still finishes what it had begun. */
  #lost(member: Member, end?: WorkerEnd): void {
    if (member.state !== 'staying' || this.#isStopping) return
    member.state = 'leaving'
    const pauseMs = this.#crashes.note(member.servedMs)
    if (this.#crashes.isLoop && !this.#isSound) return this.#giveUp()
    this.#restarts += 1
    const { number, worker } = member
    this.#options.log.error({ worker: number, pid: worker.pid, ...end, pauseMs }, 'a worker ends by itself and is replaced')
    void this.#pause(pauseMs).then(() => this.#settle())
  }

  #giveUp(): void {
    this.#options.log.fatal({ failures: this.#crashes.quick }, 'every worker ends soon after its start; no more are started')
    this.#gaveUp.resolve()
  }

  /** Whether one of them has served for a while: then not all of the application is broken. */
  get #isSound(): boolean {
    return this.#staying().some(({ servedMs }) => servedMs >= calmMs)
  }

  /** Starts what is missing and ends what is too many. @returns what was started */
  #settle(): Member[] {
    if (this.#isStopping) return []
    const { count, startMs } = this.#options
    const staying = this.#staying()
    for (const member of staying.slice(0, Math.max(0, staying.length - count))) member.retire()
    const started = Array.from({ length: Math.max(0, count - staying.length) }, () => this.#fork('staying'))
    for (const member of started) void member.outcome(startMs)
    return started
  }

  /** Oldest first. */
  #staying(): Member[] {
    return [...this.#members.values()].filter(({ state }) => state === 'staying')
  }

  async #exchangeAll(): Promise<boolean> {
    let done: boolean
    do {
      this.#reloadAgain = false
      done = await this.#exchange()
    } while (this.#reloadAgain && !this.#isStopping)
    return done
  }

  async #exchange(): Promise<boolean> {
    let first = true
    for (const old of this.#staying()) {
      if (old.state !== 'staying') continue // ended meanwhile, and its successor is of the new version
      if (!(await this.#replace(old, first))) return false
      first = false
    }
    this.#settle()
    return !this.#isStopping
  }

  async #replace(old: Member, first: boolean): Promise<boolean> {
    const fresh = this.#fork('trial', first)
    const end = await fresh.outcome(this.#options.startMs)
    if (this.#isStopping) return false
    if (end !== undefined) {
      this.#options.log.error({ ...end, serving: this.#staying().length }, 'the new version does not start; the old one goes on serving')
      return false
    }
    fresh.state = 'staying'
    if (old.state === 'staying') old.retire()
    await this.#ended(old)
    return !this.#isStopping
  }

  #ended(member: Member): Promise<void> {
    return member.ended(this.#options.stopMs(), this.#options.log)
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}
