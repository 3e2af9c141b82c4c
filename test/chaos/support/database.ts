// SQL past the application.

import { Client } from 'pg'

/** Role and database of the application: no superuser, as it should be. */
export const role = 'chaos'

/** The application's database on a server. */
export function databaseAt(serverUrl: string, port = Number(new URL(serverUrl).port), user: string = role): string {
  return `postgres://${user}@127.0.0.1:${port}/${role}`
}

export async function query<row extends object>(url: string, text: string): Promise<row[]> {
  const client = await connectTo(url)
  try {
    return (await client.query<row>(text)).rows
  } finally {
    await client.end()
  }
}

/** A connection that may be lost without a word. */
export async function connectTo(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}
