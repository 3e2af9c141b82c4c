// One statement on its way: what was asked, what has arrived, and the promise that waits.

import { noRows, type Statement, type TextRows } from '../rows.ts'
import type { PipelinedConnection } from './pipelined-connection.ts'
import type { PreparedStatement } from './prepared-statements.ts'

export class ReadTask {
  readonly statement: Statement
  /** What is said ahead of it; undefined: nothing. */
  readonly tenant: string | undefined
  readonly promise: Promise<TextRows>
  /** The connection it was given to; undefined while it waits for one. */
  connection: PipelinedConnection | undefined
  /** Set when this statement's Parse names a prepared statement that the server has yet to confirm. */
  preparing: PreparedStatement | undefined
  /** What arrives is still about what was sent ahead of it. */
  isAhead = false
  /** What the server refused it with; it is reported when the server is ready for the next. */
  error: Error | undefined
  /** Nobody waits any more; rows are dropped as they come. */
  abandoned = false
  /** How often it has been sent again, through no fault of its own. From then on it is not prepared by name. */
  retries = 0
  /** A cancel request meant for another statement may hit this one. */
  cancelRisk = false
  #count = 0
  #buffers: Buffer[] = []
  #starts: number[] = []
  #bytes = 0
  #affected = 0
  #resolve: (rows: TextRows) => void = ignore
  #reject: (error: unknown) => void = ignore

  constructor(statement: Statement, tenant?: string) {
    this.statement = statement
    this.tenant = tenant
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get retried(): boolean {
    return this.retries > 0
  }

  /** Bytes of the result so far. */
  get bytes(): number {
    return this.#bytes
  }

  addRow(buffer: Buffer, start: number, length: number): void {
    if (this.abandoned) return
    this.#bytes += length
    this.#buffers.push(buffer)
    this.#starts.push(start)
    this.#count += 1
  }

  complete(affected: number): void {
    this.#affected = affected
  }

  resolve(): void {
    const count = this.#count
    const rows = { count, buffers: this.#buffers, starts: this.#starts, affected: this.#affected }
    if (this.retried) return this.#resolve({ ...rows, retried: true })
    this.#resolve(count === 0 && this.#affected === 0 ? noRows : rows)
  }

  reject(error: unknown): void {
    this.#reject(error)
  }

  /** Rejects at once; what the server still sends for it is thrown away. */
  abandon(reason: unknown): void {
    this.abandoned = true
    this.#buffers = []
    this.#starts = []
    this.#reject(reason)
  }

  /** As it was before it was sent. */
  reset(): void {
    this.connection = undefined
    this.preparing = undefined
    this.isAhead = false
    this.error = undefined
    this.cancelRisk = false
    this.#count = 0
    this.#buffers = []
    this.#starts = []
    this.#bytes = 0
    this.#affected = 0
  }
}

function ignore(): void {}
