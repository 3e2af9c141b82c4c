// Brings an empty database to the state of the models, or of migrations: for tests only.

import { extensionsOf } from '../db/migrate/extensions.ts'
import { difference, type Models, snapshotOf } from '../db/migrate/differ.ts'
import { openToApp } from '../db/migrate/open-to-app.ts'
import { emptySnapshot, type Snapshot } from '../db/migrate/snapshot.ts'
import { gainedStatements, noTracking, trackingChange, type Tracking } from '../db/migrate/tracking.ts'
import { upgrade } from '../db/migrate/upgrade.ts'
import { withClient } from '../db/scratch-database.ts'
import { installSystem } from '../db/system/install.ts'

/** What makes the tables of some models. */
interface Prepared {
  readonly snapshot: Snapshot
  readonly statements: readonly string[]
}

const prepared = new WeakMap<Models, Promise<Prepared>>()

/** Worked out once per schema. */
function prepare(models: Models): Promise<Prepared> {
  let found = prepared.get(models)
  if (found === undefined) {
    found = makeStatements(models)
    prepared.set(models, found)
  }
  return found
}

async function makeStatements(models: Models): Promise<Prepared> {
  const snapshot = await snapshotOf(models)
  const found = await difference(emptySnapshot, snapshot)
  if (!('statements' in found)) throw new Error('An empty database leaves nothing to be renamed.')
  const extensions = extensionsOf(snapshot.ddl).map((name) => `create extension if not exists "${name}"`)
  return { snapshot, statements: [...extensions, ...found.statements] }
}

/** @param tracking  what the cache needs of the tables */
export async function createSchema(url: string, models: Models, tracking: Tracking = noTracking): Promise<void> {
  const { snapshot, statements } = await prepare(models)
  const gained = gainedStatements(trackingChange(emptySnapshot, { ...snapshot, plinth: tracking }))
  await withClient(url, async (client) => {
    await installSystem(client)
    for (const statement of [...statements, ...gained]) await client.query(statement)
    await openToApp(client, snapshot.ddl)
    await client.query('SELECT plinth.touch_all()')
  })
}

/** @throws Error when the folder has no migration: a wrong path would give every test an empty database */
export async function applyMigrations(url: string, directory: string): Promise<void> {
  const applied = await withClient(url, (client) => upgrade(client, directory))
  if (applied.length === 0) throw new Error(`There are no migrations in ${directory}.`)
}
