// The replicas of a primary: asks them and it how far they are, and chooses one for a read.

import type { Logger } from '../../core/log.ts'
import type { Reads, ReplicaHealth } from '../database.ts'
import { textColumns, type Statement } from '../rows.ts'
import { LagClock } from './lag.ts'
import { type Position, primaryQuestion, readPosition } from './position.ts'
import type { Replica } from './replica.ts'

/** Time between two questions. */
const lookMs = 500

/** Which cluster it is: only its standbys can be compared with it. */
const identityQuestion: Statement = {
  name: 'plinth_system_identifier',
  text: 'select system_identifier::text from pg_control_system()',
  values: [],
}

export interface ReplicaSetOptions {
  readonly primary: Reads
  readonly replicas: readonly Replica[]
  /** A replica that is further behind serves nobody. */
  readonly maxLagMs: number
  readonly log: Logger
}

export class ReplicaSet {
  readonly #options: ReplicaSetOptions
  readonly #clock: LagClock
  #identity: string | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** What was last told of each, so that the log has a line per change. */
  readonly #told = new Map<Replica, string | undefined>()

  constructor(options: ReplicaSetOptions) {
    this.#options = options
    this.#clock = new LagClock(options.maxLagMs * 10)
  }

  /** Looks once, then twice a second. */
  async start(): Promise<void> {
    await this.#look()
    if (!this.#closed) this.#timer = setTimeout(() => void this.start(), lookMs).unref()
  }

  /** The usable replica that has the least to do; undefined when none will do. */
  choose(demand: Position | undefined): Replica | undefined {
    const now = performance.now()
    let best: Replica | undefined
    for (const replica of this.#options.replicas) {
      const isBetter = best === undefined || replica.load < best.load || (replica.load === best.load && replica.reads < best.reads)
      if (isBetter && replica.mayServe(demand, now) && this.#lagMs(replica, now) <= this.#options.maxLagMs) best = replica
    }
    return best
  }

  health(): ReplicaHealth[] {
    const now = performance.now()
    return this.#options.replicas.map((replica) => {
      const { address, reads } = replica
      const problem = this.#problemOf(replica, now)
      return {
        address,
        ok: problem === undefined,
        ...(problem === undefined ? {} : { problem }),
        lagMs: Math.round(this.#lagMs(replica, now)),
        lagBytes: this.#lagBytes(replica),
        reads,
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await Promise.all(this.#options.replicas.map((replica) => replica.close()))
  }

  async #look(): Promise<void> {
    await this.#lookAtPrimary()
    await Promise.all(this.#options.replicas.map((replica) => replica.look(this.#identity)))
    const now = performance.now()
    for (const replica of this.#options.replicas) this.#tell(replica, this.#problemOf(replica, now))
  }

  /** When it does not answer, replicas are judged by what is known; reads go on there. */
  async #lookAtPrimary(): Promise<void> {
    const { primary } = this.#options
    try {
      this.#identity ??= textColumns(await primary.read(identityQuestion), 0)[0] ?? undefined
      const { byte } = readPosition(await primary.read(primaryQuestion))
      this.#clock.saw(byte, performance.now())
    } catch {
      // Its own health check and its own reads say so.
    }
  }

  #problemOf(replica: Replica, now: number): string | undefined {
    const tooLate = this.#lagMs(replica, now) > this.#options.maxLagMs
    return replica.problem ?? (tooLate ? 'is too far behind' : undefined)
  }

  #lagMs(replica: Replica, now: number): number {
    return this.#clock.behind(replica.reached.byte, now)
  }

  #lagBytes({ reached }: Replica): number {
    return Math.max(0, Number((this.#clock.byte ?? reached.byte) - reached.byte))
  }

  #tell(replica: Replica, problem: string | undefined): void {
    if (this.#told.has(replica) && this.#told.get(replica) === problem) return
    const { log } = this.#options
    const { address } = replica
    if (problem !== undefined) log.warn({ address, problem }, 'a replica is not used: reads go to the others and to the primary')
    else if (this.#told.has(replica)) log.info({ address }, 'a replica is used again')
    this.#told.set(replica, problem)
  }
}
