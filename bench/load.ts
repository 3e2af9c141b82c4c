// The load generator, a process of its own: keep-alive connections on bare sockets, one request at a time on each. It reads of an
// answer no more than status and length, which makes it several times cheaper than an HTTP client (its CPU is in the results).

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type CacheWorkloadName, type ProcessWorkloadName, type WorkloadName, wireRequests } from './workloads.ts'

export interface LoadOrder {
  readonly port: number
  /** By name, or its requests as they go over the wire. */
  readonly workload: WorkloadName | CacheWorkloadName | ProcessWorkloadName | readonly string[]
  readonly connections: number
  /** Stops after this time or after that many requests. */
  readonly milliseconds?: number
  readonly requests?: number
}

export interface LoadReport {
  readonly requests: number
  readonly seconds: number
  readonly bytes: number
  /** CPU of the generator itself. */
  readonly cpuMicroseconds: number
  /** The first answer that was none: its beginning, or what happened to the connection. */
  readonly failure: string | undefined
}

/** One load of one workload; its connections share what is left to ask. */
class Load {
  readonly #order: LoadOrder
  readonly #requests: readonly Buffer[]
  readonly #until: number
  #asked = 0
  answered = 0
  bytes = 0
  failure: string | undefined

  constructor(order: LoadOrder) {
    this.#order = order
    this.#requests = typeof order.workload === 'string' ? wireRequests(order.workload) : order.workload.map((text) => Buffer.from(text))
    this.#until = order.milliseconds === undefined ? Infinity : performance.now() + order.milliseconds
  }

  next(): Buffer | undefined {
    const over = this.failure !== undefined || this.#asked >= (this.#order.requests ?? Infinity) || performance.now() >= this.#until
    if (over) return undefined
    this.#asked += 1
    return this.#requests[this.#asked % this.#requests.length]
  }
}

/** Asks on one connection until nothing is left. */
class Asker {
  readonly #socket: Socket
  readonly #load: Load
  /** Bytes of the answer that are still to come; 0 while nothing of it has. */
  #missing = 0
  /** A head that came in pieces. */
  #head: Buffer = Buffer.alloc(0)

  constructor(load: Load, port: number) {
    this.#load = load
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true)
    this.#socket.on('connect', () => this.#ask())
    this.#socket.on('data', (chunk) => this.#receive(chunk))
    this.#socket.on('error', (error) => this.#fail(error.message))
  }

  async finished(): Promise<void> {
    await once(this.#socket, 'close')
  }

  #ask(): void {
    const request = this.#load.next()
    if (request === undefined) this.#socket.destroy()
    else this.#socket.write(request)
  }

  #receive(chunk: Buffer): void {
    this.#load.bytes += chunk.length
    if (this.#missing > 0) this.#missing -= chunk.length
    else this.#begin(this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]))
    if (this.#missing > 0 || this.#head.length > 0) return
    this.#load.answered += 1
    this.#ask()
  }

  #begin(answer: Buffer): void {
    const end = answer.indexOf('\r\n\r\n')
    this.#head = end === -1 ? answer : Buffer.alloc(0)
    if (end === -1) return
    const head = answer.toString('latin1', 0, end)
    const length = /content-length: (\d+)/i.exec(head)?.[1]
    if (head[9] !== '2' || length === undefined) this.#fail(answer.toString().slice(0, 1_000))
    this.#missing = end + 4 + Number(length) - answer.length
  }

  #fail(reason: string): void {
    this.#load.failure ??= reason
    this.#socket.destroy()
  }
}

async function run(order: LoadOrder): Promise<LoadReport> {
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const load = new Load(order)
  await Promise.all(Array.from({ length: order.connections }, () => new Asker(load, order.port).finished()))
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedAt) / 1_000
  return { requests: load.answered, seconds, bytes: load.bytes, cpuMicroseconds: user + system, failure: load.failure }
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
