// The part of a `pg` client that migrations use; PGlite has it too.

export interface Connection {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the row, as with `pg`
  query<row extends object>(text: string, values?: unknown[]): Promise<{ rows: row[] }>
}

/** Runs `work` between BEGIN and COMMIT; on an error it rolls back and passes the error on. */
export async function inTransaction<result>(connection: Connection, work: () => Promise<result>): Promise<result> {
  await connection.query('BEGIN')
  try {
    const result = await work()
    await connection.query('COMMIT')
    return result
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined) // the connection may be gone; the first error is the one that tells
    throw error
  }
}
