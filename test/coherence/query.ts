// SQL of the harness itself, on a connection of its own.

import { Client } from 'pg'

/** Runs each statement in a transaction of its own. @returns the rows of the last */
export async function query<row extends object>(url: string, ...statements: readonly string[]): Promise<row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    let rows: row[] = []
    for (const statement of statements) rows = (await client.query<row>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}
