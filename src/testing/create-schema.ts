// Brings an empty database to the state of the models, or of migrations: for tests only.

import { extensionsOf } from '../db/migrate/extensions.ts'
import { difference, type Models, snapshotOf } from '../db/migrate/differ.ts'
import { emptySnapshot } from '../db/migrate/snapshot.ts'
import { upgrade } from '../db/migrate/upgrade.ts'
import { withClient } from '../db/scratch-database.ts'
import { installSystem } from '../db/system/install.ts'

const prepared = new WeakMap<Models, Promise<readonly string[]>>()

/** The statements that make the tables of `models`; worked out once per schema. */
function statementsFor(models: Models): Promise<readonly string[]> {
  let statements = prepared.get(models)
  if (statements === undefined) {
    statements = makeStatements(models)
    prepared.set(models, statements)
  }
  return statements
}

async function makeStatements(models: Models): Promise<readonly string[]> {
  const snapshot = await snapshotOf(models)
  const found = await difference(emptySnapshot, snapshot)
  if (!('statements' in found)) throw new Error('An empty database leaves nothing to be renamed.')
  return [...extensionsOf(snapshot.ddl).map((name) => `create extension if not exists "${name}"`), ...found.statements]
}

export async function createSchema(url: string, models: Models): Promise<void> {
  const statements = await statementsFor(models)
  await withClient(url, async (client) => {
    await installSystem(client)
    for (const statement of statements) await client.query(statement)
  })
}

/** @throws Error when the folder has no migration: a wrong path would give every test an empty database */
export async function applyMigrations(url: string, directory: string): Promise<void> {
  const applied = await withClient(url, (client) => upgrade(client, directory))
  if (applied.length === 0) throw new Error(`There are no migrations in ${directory}.`)
}
