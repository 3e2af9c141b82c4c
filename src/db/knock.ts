// Is anybody there? Any word from the server counts, also "too many connections"; silence and a closed port do not.

import { Client, type ClientConfig } from 'pg'
import { pgProblemOf } from './pg-errors.ts'

/** Opens a connection of its own and closes it again. Ends within the connection time-out. */
export async function knock(connection: ClientConfig): Promise<boolean> {
  const client = new Client({ ...connection, application_name: 'plinth probe' })
  client.on('error', () => undefined) // `connect` tells.
  try {
    await client.connect()
    return true
  } catch (error) {
    return pgProblemOf(error) !== undefined
  } finally {
    void client.end().catch(() => undefined)
  }
}
