// `plinth db …`: migrations, seeds, and models out of an existing database. Names follow Flask-Migrate and Alembic.

import { type Command, InvalidArgumentError } from 'commander'
import type { DowngradeFlags, MigrateFlags, ResetFlags, UpgradeFlags } from '../db-commands.ts'
import type { PullFlags } from '../db-pull.ts'

const load = () => import('../db-commands.ts')

export function addDb(program: Command): void {
  const db = program.command('db').description('Looks after the database: migrations, seed, pull.')
  addMigrate(db)
  addUpgrade(db)
  addDowngrade(db)
  addLookups(db)
  addReset(db)
  addSeed(db)
  addPull(db)
}

function addMigrate(db: Command): void {
  db.command('migrate')
    .description('Writes a migration from the difference between models and migrations.')
    .option('-m, --message <text>', 'what changes, for the folder name')
    .option('--check', 'write nothing; exit 1 when models and migrations differ')
    .option('--empty', 'write an empty migration to fill in by hand')
    .option('--rename <table.column:new>', 'a column was renamed', collect, [])
    .option('--rename-table <table:new>', 'a table was renamed', collect, [])
    .option('--rename-enum <enum:new>', 'an enum was renamed', collect, [])
    .option('--rename-sequence <sequence:new>', 'a sequence was renamed', collect, [])
    .option('--rename-schema <schema:new>', 'a schema was renamed', collect, [])
    .option('--no-rename', 'nothing was renamed: what is new is new')
    .option('--allow-loss <name>', 'accept losing what is in this table, column or enum value', collect, [])
    .option('--json', 'print JSON')
    .action(async (flags: MigrateFlags) => (await load()).migrate(flags))
}

function addUpgrade(db: Command): void {
  db.command('upgrade')
    .description('Applies pending migrations.')
    .argument('[revision]', 'last migration to apply; default: all')
    .option('--steps <count>', 'apply at most so many', wholeNumber)
    .option('--allow-late', 'apply migrations that sort before an applied one')
    .option('--json', 'print JSON')
    .action(async (revision: string | undefined, flags: UpgradeFlags) => (await load()).upgradeDatabase(revision, flags))
}

function addDowngrade(db: Command): void {
  db.command('downgrade')
    .description('Takes migrations back; one by default.')
    .argument('[revision]', 'migration to stay at, or "base" for none')
    .option('--steps <count>', 'take back so many', wholeNumber)
    .option('--json', 'print JSON')
    .action(async (revision: string | undefined, flags: DowngradeFlags) => (await load()).downgradeDatabase(revision, flags))
}

function addLookups(db: Command): void {
  db.command('status')
    .description('Says which migrations are applied, and whether the database is what they make.')
    .option('--drift', 'also compare the database with a replay of its migrations')
    .option('--json', 'print JSON')
    .action(async (flags: { readonly drift?: boolean; readonly json?: boolean }) => (await load()).showStatus(flags))
  db.command('history')
    .description('Lists the migrations of the folder.')
    .option('--json', 'print JSON')
    .action(async (flags: { readonly json?: boolean }) => (await load()).showHistory(flags))
  db.command('stamp')
    .description('Records migrations as applied without running them.')
    .argument('<revision>', 'a migration, "head" or "base"')
    .option('--json', 'print JSON')
    .action(async (revision: string, flags: { readonly json?: boolean }) => (await load()).stampDatabase(revision, flags))
}

function addReset(db: Command): void {
  db.command('reset')
    .description('Drops everything, applies all migrations and loads the seed.')
    .option('--yes', 'do not ask')
    .option('--force', 'also in production')
    .option('--json', 'print JSON')
    .action(async (flags: ResetFlags) => (await load()).resetDatabase(flags))
}

function addSeed(db: Command): void {
  db.command('seed')
    .description('Loads first data.')
    .option('--json', 'print JSON')
    .action(async (flags: { readonly json?: boolean }) => (await load()).seedDatabase(flags))
}

function addPull(db: Command): void {
  db.command('pull')
    .description('Writes models, resources and a first migration from an existing database.')
    .argument('[url]', 'the database; default: DATABASE_URL')
    .option('--schema <name>', 'only this schema; may be repeated', collect, [])
    .option('--force', 'overwrite models and resources that are there')
    .action(async (url: string | undefined, flags: PullFlags) => (await import('../db-pull.ts')).pullDatabase(url, flags))
}

function collect(value: string, before: readonly string[] | boolean): readonly string[] {
  return [...(Array.isArray(before) ? before : []), value]
}

function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('It is a whole number above 0.')
  return Number(value)
}
