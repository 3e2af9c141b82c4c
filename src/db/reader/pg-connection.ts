// The stock kind: `pg`'s own client with `pipeline: true`. Slower, and somebody else's; the switch back from the thin kind.

import type { QueryArrayConfig, QueryArrayResult } from 'pg'
import { heldQuery } from '../held-query.ts'
import { toTextRows } from '../text-query.ts'
import { readerErrors } from './errors.ts'
import { connectPg, type PgSocket } from './pg-socket.ts'
import { greetingOf, PipelinedConnection, type ConnectionOptions } from './pipelined-connection.ts'
import type { ReadTask } from './read-task.ts'

type Columns = (string | null)[]

/** `pg` asks for a parser per column type; every value stays the text it is. */
const asText = { getTypeParser: () => (value: string) => value }

/** `pg` sends a statement without values and name as a simple query, which may be several; this asks it not to. Not in its types. */
type ExtendedQuery = QueryArrayConfig & { readonly queryMode: 'extended' }

export async function openPgConnection(options: ConnectionOptions): Promise<PipelinedConnection> {
  const connected = await connectPg({ ...options.connection, pipeline: true }, greetingOf(options))
  return new PgConnection(connected, options)
}

class PgConnection extends PipelinedConnection {
  constructor(connected: PgSocket, options: ConnectionOptions) {
    super(connected, options)
    this.socket.on('data', () => this.deadline.touch())
  }

  protected override send(task: ReadTask): void {
    const { text, values, name } = task.statement
    const query: ExtendedQuery = {
      text,
      values: [...values],
      name: task.retried ? undefined : name,
      rowMode: 'array',
      types: asText,
      queryMode: 'extended',
    }
    const answered = (error: Error | null, result: object): void => {
      if (!this.isLost) this.#answered(task, error, result as QueryArrayResult<Columns>)
    }
    if (task.tenant === undefined) this.client.query<Columns>(query, answered)
    else this.client.query(heldQuery(query, task.tenant, answered))
  }

  /** `pg` writes each statement as it gets it. */
  protected override unwritten(): number {
    return 0
  }

  #answered(task: ReadTask, error: Error | null, result: QueryArrayResult<Columns>): void {
    if (error === null) this.#accept(task, result)
    else task.error = error
    this.finishHead()
  }

  #accept(task: ReadTask, { rows, rowCount }: QueryArrayResult<Columns>): void {
    const result = toTextRows(rows, rowCount ?? 0)
    const { resultBytes } = this.options.limits
    result.buffers.forEach((buffer, row) => task.addRow(buffer, result.starts[row] ?? 0, 0))
    task.complete(result.affected)
    if ((result.buffers[0]?.length ?? 0) > resultBytes) task.error = readerErrors.resultTooLarge(resultBytes)
  }
}
