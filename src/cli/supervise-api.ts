// `plinth start --processes N`: the primary process. It loads no code of the application, so that nothing of it can break the primary, and
// a reload is complete; what it has to know the workers tell it.

import { closeSync, openSync } from 'node:fs'
import type { WorkerEnd } from '../core/processes/member.ts'
import type { WorkerFacts } from '../core/processes/messages.ts'
import { guardProcess } from '../core/guard-process.ts'
import { Supervisor } from '../core/processes/supervisor.ts'
import { Switchboard } from '../core/processes/switchboard.ts'
import { forkWorker } from './fork-worker.ts'
import { holdDatabase } from './hold-database.ts'
import { note } from './output.ts'
import { primaryLog } from './primary-log.ts'
import { welcome } from './welcome.ts'

/** Workers are ended by force before that; see `WorkerFacts.stopMs`. */
const neverMs = 2 ** 31 - 1
/** Until a worker has said how long it takes. */
const stopMs = 30_000

/** @param prepare  the first worker of a start or reload migrates and seeds before it serves */
export async function superviseApi(count: number, prepare: boolean): Promise<void> {
  const primary = new Primary(count, prepare)
  const end = await primary.start()
  if (end !== undefined) await primary.failed(end)
}

/** A terminal that is closed sends SIGHUP as well, which means the end to what was started on it. */
function terminalIsGone(): boolean {
  if (!process.stdout.isTTY) return false
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch {
    return true
  }
}

class Primary {
  readonly #count: number
  readonly #log = primaryLog()
  readonly #supervisor: Supervisor
  readonly #endGuard: () => void
  #facts: WorkerFacts | undefined
  #url = ''
  #database: Promise<() => Promise<void>> | undefined
  #exitCode = 0
  #isEnding = false

  constructor(count: number, prepare: boolean) {
    this.#count = count
    const switchboard = new Switchboard()
    this.#supervisor = new Supervisor({
      count,
      log: this.#log.log,
      stopMs: () => this.#facts?.stopMs ?? stopMs,
      fork: (number, first) =>
        forkWorker({
          number,
          args: first ? ['--first', ...(prepare ? ['--prepare'] : [])] : [],
          switchboard,
          onHello: (facts) => this.#learn(facts),
          onReady: (url) => (this.#url = url),
        }),
    })
    switchboard.respond('details', () => this.#details())
    switchboard.respond('metrics', () => this.#metrics())
    this.#endGuard = guardProcess({
      log: this.#log.log,
      stop: () => this.#stop(),
      flush: () => this.#log.flush(),
      timeoutMs: neverMs,
      exit: (code) => this.#exit(code),
    })
  }

  /** @returns how the first worker ended, when it did not come to serve */
  async start(): Promise<WorkerEnd | undefined> {
    const started = this.#supervisor.start()
    process.on('SIGHUP', () =>
      terminalIsGone() ? this.#endGuard() : void started.then((end) => (end === undefined ? this.#reload() : undefined)),
    )
    const end = await started
    if (end !== undefined) return end
    void this.#supervisor.gaveUp.then(() => this.#giveUp())
    this.#sayWhere()
    return undefined
  }

  /** The worker has said what is wrong. It may also have ended because all of it was asked to. */
  async failed({ code, signal, reason }: WorkerEnd): Promise<void> {
    if (this.#isEnding) return
    if (signal !== null) note(`The application was ended by ${signal} while it started.`)
    if (reason !== undefined) note(`No process could be started: ${reason}`)
    this.#exitCode = code ?? 1
    this.#endGuard()
  }

  async #reload(): Promise<void> {
    if (this.#isEnding) return
    const { log } = this.#log
    log.info('reloading: new processes take the place of those that serve')
    if (await this.#supervisor.reload()) log.info({ url: this.#url, processes: this.#count }, 'reloaded')
  }

  #learn(facts: WorkerFacts): void {
    this.#facts = facts
    this.#log.open(facts)
    // Started by whoever comes first. We hold it until all workers have ended, so that it runs on while they are replaced.
    if (facts.embedded) this.#database ??= holdDatabase(facts.root)
    this.#database?.catch(() => undefined) // the worker has the same trouble and says it
  }

  #sayWhere(): void {
    const facts = this.#facts
    if (facts === undefined) return
    const { name, prefix, env } = facts
    if (env === 'production') this.#log.log.info({ url: this.#url, processes: this.#count }, 'listening')
    else welcome({ name, prefix, url: this.#url, processes: this.#count })
  }

  #giveUp(): void {
    this.#exitCode = 1
    note('Every process of the application ends soon after its start. The lines above say why; nothing is served any more.')
    this.#endGuard()
  }

  async #stop(): Promise<void> {
    this.#isEnding = true
    await this.#supervisor.stop()
    await (
      await this.#database?.catch(() => undefined)
    )?.()
  }

  #exit(code: number): void {
    this.#supervisor.kill()
    process.exit(code === 0 ? this.#exitCode : code)
  }

  #details(): object {
    const { restarts } = this.#supervisor
    return { pid: process.pid, uptimeSeconds: Math.round(process.uptime()), memoryBytes: process.memoryUsage.rss(), restarts }
  }

  #metrics(): string {
    const name = 'plinth_worker_restarts_total'
    const { restarts } = this.#supervisor
    return `# HELP ${name} Workers that ended by themselves and were replaced.\n# TYPE ${name} counter\n${name} ${restarts}\n`
  }
}
