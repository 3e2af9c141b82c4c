// One worker under supervision: how far it has come, and waiting for its next step.

import type { Logger } from '../log.ts'

export interface WorkerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not be started at all. */
  readonly reason?: string
}

/** A worker, as whoever starts it hands it over. */
export interface WorkerProcess {
  readonly pid: number | undefined
  /** Resolves when it serves; never, when it does not come to it. */
  readonly serving: Promise<void>
  /** Resolves when it has begun to end by itself and finishes what it had begun. */
  readonly leaving: Promise<void>
  readonly exited: Promise<WorkerEnd>
  /** Lets it finish what it has begun, while others go on serving. */
  retire(): void
  /** The same when all end. */
  stop(): void
  kill(): void
}

export class Member {
  readonly number: number
  readonly worker: WorkerProcess
  /** `trial`: of a new version, not yet one of those that are counted. `leaving`: was asked to end, or has begun to. */
  state: 'trial' | 'staying' | 'leaving'
  /** Milliseconds of `performance.now()`. */
  #servingSince: number | undefined

  constructor(number: number, worker: WorkerProcess, state: 'trial' | 'staying') {
    this.number = number
    this.worker = worker
    this.state = state
    void worker.serving.then(() => (this.#servingSince = performance.now()))
  }

  /** How long it has served; 0 before it does. */
  get servedMs(): number {
    return this.#servingSince === undefined ? 0 : performance.now() - this.#servingSince
  }

  /** @returns undefined when it serves; how it ended when it did not come to it, also because it took longer than `limitMs` */
  async outcome(limitMs?: number): Promise<WorkerEnd | undefined> {
    const late = limitMs === undefined ? undefined : setTimeout(() => this.worker.kill(), limitMs)
    const end = await Promise.race([this.worker.serving.then(() => undefined), this.worker.exited])
    clearTimeout(late)
    return end
  }

  retire(): void {
    this.state = 'leaving'
    this.worker.retire()
  }

  /** Resolves when it has ended, by force after `limitMs`. */
  async ended(limitMs: number, log: Logger): Promise<void> {
    const late = setTimeout(() => {
      log.warn({ worker: this.number, pid: this.worker.pid }, 'a worker did not end in time and is killed')
      this.worker.kill()
    }, limitMs)
    await this.worker.exited
    clearTimeout(late)
  }
}
