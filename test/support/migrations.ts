// For tests of migrations: migration folders made of SQL texts, and clients that end with the test.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { scratchDatabase } from './postgres.ts'
import { writeFolder } from '../../src/db/migrate/folder.ts'
import { emptySnapshot } from '../../src/db/migrate/snapshot.ts'

/** An empty folder for migrations, removed after the test. */
export async function scratchFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'plinth-migrations-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Writes migrations by revision; each follows the one before it. */
export async function writeSql(directory: string, migrations: Readonly<Record<string, { up: string; down?: string }>>): Promise<void> {
  let previous = emptySnapshot.id
  for (const [revision, { up, down = '' }] of Object.entries(migrations)) {
    const snapshot = { ...emptySnapshot, id: randomUUID(), prevIds: [previous] }
    await writeFolder(directory, revision, { up, down, snapshot })
    previous = snapshot.id
  }
}

export function editFile(directory: string, file: string, text: string): Promise<void> {
  return writeFile(join(directory, file), text)
}

/** A fresh database on a server, dropped after the test. */
export async function scratchUrl(serverUrl: string): Promise<string> {
  const database = await scratchDatabase(serverUrl)
  onTestFinished(database.drop)
  return database.url
}

/** A connected client, ended after the test. */
export async function connect(url: string, name = 'plinth test'): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: name })
  client.on('error', () => undefined) // databases are dropped under clients that a test forgot
  await client.connect()
  onTestFinished(() => client.end())
  return client
}
