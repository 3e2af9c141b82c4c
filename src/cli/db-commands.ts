// What the `db` commands do: they ask, print and exit; the work is done in `db/migrate`.

import { join } from 'node:path'
import { confirm, isCancel } from '@clack/prompts'
import { createApp } from '../app/create.ts'
import { schemaOf } from '../app/models.ts'
import { trackingOf } from '../app/tracking.ts'
import { check, drift, type Drift } from '../db/migrate/check.ts'
import { reset } from '../db/migrate/reset.ts'
import { stamp } from '../db/migrate/stamp.ts'
import { type DatabaseStatus, history, status } from '../db/migrate/status.ts'
import { downgrade, type RunOptions, upgrade } from '../db/migrate/upgrade.ts'
import { withConnection } from './connection.ts'
import { findRoot, loadApp, type LoadedApp } from './load-app.ts'
import { migrationEvents } from './migration-events.ts'
import { note, print, printJson, table, UsageError } from './output.ts'
import { runSeed } from './prepare-database.ts'

export { migrate, type MigrateFlags } from './db-migrate.ts'

interface JsonFlag {
  readonly json?: boolean
}

export interface UpgradeFlags extends JsonFlag {
  readonly steps?: number
  readonly allowLate?: boolean
}

export interface DowngradeFlags extends JsonFlag {
  readonly steps?: number
}

export function migrationsOf(root: string): string {
  return join(root, 'migrations')
}

export async function upgradeDatabase(to: string | undefined, { steps, allowLate, json = false }: UpgradeFlags): Promise<void> {
  const app = await loadApp()
  const options = { ...runOptions(app, json), to, steps, allowLate }
  const revisions = await withConnection(app, (client) => upgrade(client, migrationsOf(app.root), options))
  report(revisions, 'The database is up to date.', json)
}

export async function downgradeDatabase(to: string | undefined, { steps, json = false }: DowngradeFlags): Promise<void> {
  const app = await loadApp()
  const options = { ...runOptions(app, json), to, steps }
  const revisions = await withConnection(app, (client) => downgrade(client, migrationsOf(app.root), options))
  report(revisions, 'There was nothing to take back.', json)
}

/** Each migration was printed when it was done. */
function report(revisions: readonly string[], nothing: string, json: boolean): void {
  if (json) printJson({ revisions })
  else if (revisions.length === 0) print(nothing)
}

function runOptions({ config }: LoadedApp, quiet: boolean): RunOptions {
  return { lockTimeoutMs: config.database.migrationLockTimeoutMs, ...(quiet ? {} : { onEvent: migrationEvents() }) }
}

export async function showStatus({ drift: withDrift = false, json = false }: JsonFlag & { readonly drift?: boolean }): Promise<void> {
  const app = await loadApp()
  const found = await withConnection(app, async (client) => ({
    ...(await status(client, migrationsOf(app.root))),
    ...(withDrift ? { drift: await drift(client, migrationsOf(app.root)) } : {}),
  }))
  if (found.blocked || differencesIn(found.drift).length > 0) process.exitCode = 1
  if (json) return printJson(found)
  printStatus(found)
  printDrift(found.drift)
}

function printStatus({ migrations, pending, blocked, systemSteps }: DatabaseStatus): void {
  if (migrations.length === 0) return print('There are no migrations. Write the first: plinth db migrate -m "…"')
  const rows = migrations.map(({ revision, state, edited, appliedAt }) => [
    revision,
    edited.length === 0 ? state : `edited: ${edited.join(', ')}`,
    appliedAt?.toISOString() ?? '',
  ])
  print(table(['MIGRATION', 'STATE', 'APPLIED'], rows))
  if (blocked) print('plinth db upgrade refuses to run until folder and database agree.')
  else if (pending > 0) print(`${pending} pending. Apply: plinth db upgrade`)
  else
    print(
      systemSteps.length === 0 ? 'Nothing is pending.' : 'The schema "plinth" is not up to date. Bring it up to date: plinth db upgrade',
    )
}

function printDrift(found: Drift | undefined): void {
  if (found === undefined) return
  if (found.kind === 'unknown') return print(`The database could not be compared: no shadow has ${found.extensions.join(', ')}.`)
  const differences = differencesIn(found)
  print(differences.length === 0 ? 'The database is what its migrations make.' : 'The database is not what its migrations make:')
  for (const difference of differences) print(`  - ${difference}`)
}

function differencesIn(found: Drift | undefined): readonly string[] {
  return found?.kind === 'compared' ? found.differences : []
}

export async function showHistory({ json = false }: JsonFlag): Promise<void> {
  const entries = await history(migrationsOf(findRoot()))
  if (json) return printJson(entries)
  if (entries.length === 0) return print('There are no migrations. Write the first: plinth db migrate -m "…"')
  const rows = entries.map((entry) => [
    entry.revision,
    String(entry.statements),
    [entry.losesData ? 'loses data' : '', entry.isHead ? 'head' : ''].filter(Boolean).join(', '),
  ])
  print(table(['MIGRATION', 'STATEMENTS', 'NOTES'], rows))
}

export async function stampDatabase(revision: string, { json = false }: JsonFlag): Promise<void> {
  const app = await loadApp()
  const revisions = await withConnection(app, (client) => stamp(client, migrationsOf(app.root), revision))
  if (json) return printJson({ revisions })
  print(`Recorded as applied: ${revisions.length === 0 ? 'none' : revisions.join(', ')}.`)
}

export interface ResetFlags extends JsonFlag {
  readonly yes?: boolean
  readonly force?: boolean
}

export async function resetDatabase({ yes = false, force = false, json = false }: ResetFlags): Promise<void> {
  const app = await loadApp()
  if (!yes && !(await agrees(`Drop everything in the database of "${app.definition.options.name}"?`))) return note('Nothing was changed.')
  const options = { ...runOptions(app, json), isProduction: app.config.env === 'production', force }
  const revisions = await withConnection(app, (client) => reset(client, migrationsOf(app.root), options))
  const seeded = await seed(app, json)
  if (json) printJson({ revisions, seeded })
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('This drops everything. Without a terminal to ask on, say --yes.')
  const answer = await confirm({ message: question, initialValue: false })
  return !isCancel(answer) && answer
}

export async function seedDatabase({ json = false }: JsonFlag): Promise<void> {
  const seeded = await seed(await loadApp(), json)
  if (json) printJson({ seeded })
}

/** @returns false when the application has no seed */
async function seed({ definition, config }: LoadedApp, quiet: boolean): Promise<boolean> {
  const app = await createApp(definition, { ...config, log: { ...config.log, level: quiet ? 'silent' : 'warn' } })
  try {
    const seeded = await runSeed(app)
    if (!quiet) print(seeded ? 'Seeded.' : 'The application has no seed.')
    return seeded
  } finally {
    await app.stop()
  }
}

/** Sentences about how models and migrations differ; empty when they do not. */
export async function modelChanges({ definition, root }: Pick<LoadedApp, 'definition' | 'root'>): Promise<string[]> {
  return check(schemaOf(definition.options), migrationsOf(root), trackingOf(definition))
}
