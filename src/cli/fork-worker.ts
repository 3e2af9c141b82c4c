// One worker of the cluster: a process of its own that runs `plinth start api --worker N`, and what passes between it and the primary.

import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'
import type { WorkerEnd, WorkerProcess } from '../core/processes/member.ts'
import { isOurs, type FromWorker, type ToWorker, type WorkerFacts } from '../core/processes/messages.ts'
import type { Line, Switchboard } from '../core/processes/switchboard.ts'
import { copyLines } from './copy-lines.ts'
import { plinthProgram } from './run-plinth.ts'
import { rescueConnections } from './unserved-connections.ts'

export interface ForkOptions {
  readonly number: number
  /** More for its command line. */
  readonly args: readonly string[]
  readonly switchboard: Switchboard
  onHello(facts: WorkerFacts): void
  onReady(url: string): void
}

/** Longest wait for the last lines of a worker that has ended; a program it has started may keep them open. */
const lastLinesMs = 500

export function forkWorker({ number, args, switchboard, onHello, onReady }: ForkOptions): WorkerProcess {
  const worker = fork(['start', 'api', '--worker', String(number), ...args])
  const [serving, leaving] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const line: Line = { number, send: (message) => tell(worker, message) }
  switchboard.connect(line)
  worker.on('message', (message: unknown) => {
    if (!isOurs<FromWorker>(message)) return
    if (message.plinth === 'hello') onHello(message.facts)
    else if (message.plinth === 'leaving') leaving.resolve()
    else if (message.plinth === 'ready') {
      onReady(message.url)
      serving.resolve()
    } else switchboard.receive(line, message)
  })
  worker.once('exit', () => switchboard.disconnect(line))
  return {
    pid: worker.process.pid,
    serving: serving.promise,
    leaving: leaving.promise,
    exited: endOf(worker),
    retire: () => tell(worker, { plinth: 'retire' }),
    stop: () => tell(worker, { plinth: 'stop' }),
    kill: () => void worker.process.kill('SIGKILL'),
  }
}

/** Round robin, because the kernel's own choice gives one process most connections. On a terminal workers print for themselves, with colours. */
function fork(args: readonly string[]): Worker {
  const silent = !(process.stdout.isTTY && process.stderr.isTTY)
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: plinthProgram, args: [...args], silent })
  const worker = cluster.fork()
  rescueConnections(worker)
  return worker
}

/** A worker that is ending may have closed the channel already; its end tells the same. */
function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}

/** Ended, and its last lines are written. */
async function endOf(worker: Worker): Promise<WorkerEnd> {
  const { stdout, stderr } = worker.process
  const printed = [
    stdout === null ? Promise.resolve() : copyLines(stdout, process.stdout),
    stderr === null ? Promise.resolve() : copyLines(stderr, process.stderr),
  ]
  const [code, signal] = (await once(worker.process, 'exit')) as [number | null, NodeJS.Signals | null]
  await Promise.race([Promise.allSettled(printed), sleep(lastLinesMs, undefined, { ref: false })])
  return { code, signal }
}
