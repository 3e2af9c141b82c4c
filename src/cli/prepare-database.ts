// Before serving: pending migrations, then the seed. Of several processes that start together one migrates, the others wait.

import { join } from 'node:path'
import type { App } from '../app/create.ts'
import { locked, upgrade } from '../db/migrate/upgrade.ts'
import { asOwner } from './connection.ts'
import { migrationEvents } from './migration-events.ts'
import { progressBar } from './progress.ts'

/** The seed runs under the same lock: two processes that both find an empty table would both fill it. */
export async function prepareDatabase(app: App, root: string): Promise<void> {
  const options = { lockTimeoutMs: app.config.database.migrationLockTimeoutMs, onEvent: migrationEvents() }
  await asOwner(app.db, app.config, (client) =>
    locked(client, options, async () => {
      await upgrade(client, join(root, 'migrations'), options)
      await runSeed(app)
    }),
  )
}

/** @returns false when the application has no seed */
export async function runSeed(app: App): Promise<boolean> {
  const { seed } = app.definition.options
  if (seed === undefined) return false
  const bar = progressBar()
  try {
    await seed(app, { progress: bar.show })
  } finally {
    bar.end()
  }
  return true
}
