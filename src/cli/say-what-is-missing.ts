// While developing: what stands between the models and the database, said once after each start.

import type { App } from '../app/create.ts'
import { status } from '../db/migrate/status.ts'
import { withSession } from './connection.ts'
import { migrationsOf, modelChanges } from './db-commands.ts'
import { note } from './output.ts'

/** Migrations that are not applied. Silent when the database is down: requests are answered 503 for that. */
export async function sayWhatIsPending({ db, config }: App, root: string): Promise<void> {
  const found = await withSession(db, config, (client) => status(client, migrationsOf(root))).catch(() => undefined)
  const pending = found?.migrations.filter(({ state }) => state === 'pending').map(({ revision }) => revision) ?? []
  if (pending.length > 0) note(list('The database lacks migrations:', pending, 'Apply them: plinth db upgrade'))
}

/** Models that no migration makes. */
export async function sayWhatHasChanged({ definition }: App, root: string): Promise<void> {
  const changes = await modelChanges({ definition, root }).catch((error: Error) => [error.message])
  if (changes.length > 0) note(list('Models and migrations differ:', changes, 'Write a migration: plinth db migrate -m "…"'))
}

function list(title: string, items: readonly string[], hint: string): string {
  return [title, ...items.map((item) => `  - ${item}`), hint].join('\n')
}
