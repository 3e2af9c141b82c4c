// One worker of the cluster: a process of its own that runs `plinth start api --worker N`, and what passes between it and the primary.

import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
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

export function forkWorker(options: ForkOptions): WorkerProcess {
  try {
    return follow(fork(['start', 'api', '--worker', String(options.number), ...options.args]), options)
  } catch (error) {
    return neverStarted(error)
  }
}

function follow(worker: Worker, { number, switchboard, onHello, onReady }: ForkOptions): WorkerProcess {
  const exited = endOf(worker)
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
  void exited.then(() => switchboard.disconnect(line))
  return {
    pid: worker.process.pid,
    serving: serving.promise,
    leaving: leaving.promise,
    exited,
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

/** The system had no memory for it. */
function neverStarted(reason: unknown): WorkerProcess {
  const never = new Promise<never>(() => undefined)
  const exited = Promise.resolve(failed(reason))
  return { pid: undefined, serving: never, leaving: never, exited, retire() {}, stop() {}, kill() {} }
}

/** Ended, and its last lines are written. */
async function endOf(worker: Worker): Promise<WorkerEnd> {
  const { stdout, stderr } = worker.process
  const printed = [
    stdout === null ? Promise.resolve() : copyLines(stdout, process.stdout),
    stderr === null ? Promise.resolve() : copyLines(stderr, process.stderr),
  ]
  const end = await new Promise<WorkerEnd>((resolve) => {
    worker.process.once('exit', (code, signal) => resolve({ code, signal }))
    // Too many processes or open files, or Node was updated under us. Other errors are of a message that nobody took.
    worker.process.on('error', (error) => worker.process.pid === undefined && resolve(failed(error)))
    worker.on('error', () => undefined)
  })
  await Promise.race([Promise.allSettled(printed), sleep(lastLinesMs, undefined, { ref: false })])
  return end
}

function failed(error: unknown): WorkerEnd {
  return { code: 1, signal: null, reason: error instanceof Error ? error.message : String(error) }
}
