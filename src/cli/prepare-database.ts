// Before serving: pending migrations, then the seed. Of several processes that start together one migrates, the others wait.

import { join } from 'node:path'
import type { App } from '../app/create.ts'
import { upgrade } from '../db/migrate/upgrade.ts'
import { withSession } from './connection.ts'
import { print } from './output.ts'
import { progressBar } from './progress.ts'

export async function prepareDatabase(app: App, root: string): Promise<void> {
  const applied = await withSession(app.db, (client) => upgrade(client, join(root, 'migrations')))
  for (const revision of applied) print(`applied ${revision}`)
  await runSeed(app)
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
