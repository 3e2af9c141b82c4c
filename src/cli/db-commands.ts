// What the `db` commands do: they ask, print and exit; the work is done in `db/migrate`.

import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { createApp } from '../app/create.ts'
import { check, drift } from '../db/migrate/check.ts'
import { reset } from '../db/migrate/reset.ts'
import { stamp } from '../db/migrate/stamp.ts'
import { history, status } from '../db/migrate/status.ts'
import { downgrade, type MigrationEvent, type RunOptions, upgrade } from '../db/migrate/upgrade.ts'
import { schemaOf } from '../app/models.ts'
import { withConnection } from './connection.ts'
import { findRoot, loadApp, type LoadedApp } from './load-app.ts'
import { print, printJson, table, UsageError } from './output.ts'
import { runSeed } from './prepare-database.ts'

export { migrate, type MigrateFlags } from './db-migrate.ts'

export interface UpgradeFlags {
  readonly steps?: number
  readonly allowLate?: boolean
  readonly json?: boolean
}

export interface DowngradeFlags {
  readonly steps?: number
  readonly json?: boolean
}

export function migrationsOf(root: string): string {
  return join(root, 'migrations')
}

export async function upgradeDatabase(to: string | undefined, { steps, allowLate, json = false }: UpgradeFlags): Promise<void> {
  const app = await loadApp()
  const options = { ...runOptions(app, json), to, steps, allowLate }
  const revisions = await withConnection(app, (client) => upgrade(client, migrationsOf(app.root), options))
  report(revisions, 'applied', 'The database is up to date.', json)
}

export async function downgradeDatabase(to: string | undefined, { steps, json = false }: DowngradeFlags): Promise<void> {
  const app = await loadApp()
  const revisions = await withConnection(app, (client) =>
    downgrade(client, migrationsOf(app.root), { ...runOptions(app, json), to, steps }),
  )
  report(revisions, 'taken back', 'There was nothing to take back.', json)
}

function report(revisions: readonly string[], what: string, nothing: string, json: boolean): void {
  if (json) return printJson({ revisions })
  print(revisions.length === 0 ? nothing : `${revisions.length} ${what}.`)
}

function runOptions({ config }: LoadedApp, quiet: boolean): RunOptions {
  return { lockTimeoutMs: config.database.migrationLockTimeoutMs, ...(quiet ? {} : { onEvent: printEvent }) }
}

function printEvent(event: MigrationEvent): void {
  if (event.type === 'waiting') print('Another process is migrating; waiting for it …')
  if (event.type === 'done') print(`${event.direction === 'up' ? 'applied' : 'taken back'}  ${event.revision}  ${Math.round(event.durationMs)} ms`)
}

export async function showStatus({
  drift: withDrift = false,
  json = false,
}: {
  readonly drift?: boolean
  readonly json?: boolean
}): Promise<void> {
  const app = await loadApp()
  const found = await withConnection(app, async (client) => ({
    ...(await status(client, migrationsOf(app.root))),
    ...(withDrift ? { drift: await drift(client, migrationsOf(app.root)) } : {}),
  }))
  const differences = found.drift?.kind === 'compared' ? found.drift.differences : []
  if (found.blocked || differences.length > 0) process.exitCode = 1
  if (json) return printJson(found)
  print(
    table(
      ['MIGRATION', 'STATE', 'APPLIED'],
      found.migrations.map((it) => [it.revision, stateOf(it), it.appliedAt?.toISOString() ?? '']),
    ),
  )
  print(found.pending === 0 ? 'Nothing is pending.' : `${found.pending} pending. Apply: plinth db upgrade`)
  if (found.drift?.kind === 'unknown') print(`The database could not be compared: no shadow has ${found.drift.extensions.join(', ')}.`)
  for (const difference of differences) print(`differs: ${difference}`)
}

function stateOf({ state, edited }: { readonly state: string; readonly edited: readonly string[] }): string {
  return edited.length === 0 ? state : `${state}, ${edited.join(' and ')} changed since`
}

export async function showHistory(json: boolean): Promise<void> {
  const entries = await history(migrationsOf(findRoot()))
  if (json) return printJson(entries)
  const rows = entries.map((entry) => [
    entry.revision,
    String(entry.statements),
    entry.losesData ? 'loses data' : '',
    entry.isHead ? 'head' : '',
  ])
  print(table(['MIGRATION', 'STATEMENTS', '', ''], rows))
}

export async function stampDatabase(revision: string): Promise<void> {
  const app = await loadApp()
  const recorded = await withConnection(app, (client) => stamp(client, migrationsOf(app.root), revision))
  print(`Recorded as applied: ${recorded.length === 0 ? 'none' : recorded.join(', ')}.`)
}

export async function resetDatabase({ yes = false, force = false }: { readonly yes?: boolean; readonly force?: boolean }): Promise<void> {
  const app = await loadApp()
  if (!yes && !(await agrees(`Drop everything in the database of "${app.definition.options.name}"?`))) return
  const options = { ...runOptions(app, false), isProduction: app.config.env === 'production', force }
  await withConnection(app, (client) => reset(client, migrationsOf(app.root), options))
  await seedDatabase()
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('This drops everything. Without a terminal to ask on, say --yes.')
  const answer = await confirm({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}

export async function seedDatabase(): Promise<void> {
  const { definition, config } = await loadApp()
  const app = await createApp(definition, { ...config, log: { ...config.log, level: 'warn' } })
  try {
    print((await runSeed(app)) ? 'Seeded.' : 'The application has no seed.')
  } finally {
    await app.stop()
  }
}

/** Sentences about how models and migrations differ; empty when they do not. */
export function modelChanges({ definition, root }: Pick<LoadedApp, 'definition' | 'root'>): Promise<string[]> {
  return check(schemaOf(definition.options), migrationsOf(root))
}
