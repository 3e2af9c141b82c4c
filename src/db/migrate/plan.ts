// From models to a migration: what was renamed, what would be lost, the SQL both ways, the trial run. Data in, data out; writing is last.

import { snapshotOf, type Models } from './differ.ts'
import { extensionsNeeded } from './extensions.ts'
import { headsOf, lastSnapshot, readMigrations, slugOf, writeFolder, type Migration } from './folder.ts'
import { findLosses, type Loss } from './losses.ts'
import { mergePart } from './merge.ts'
import { notesFor } from './notes.ts'
import { partsOf, type Part, type PlannedPart } from './parts.ts'
import { relocate, type Renaming } from './relocate.ts'
import { invert, resolveRenames, type RenameAnswer, type RenameQuestion } from './renames.ts'
import { renderFile } from './render.ts'
import { pgliteShadow, type OpenShadow } from './shadow.ts'
import type { Snapshot } from './snapshot.ts'
import { statementsBetween } from './steps.ts'
import type { Tracking } from './tracking.ts'
import { tryMigration, withoutConcurrency } from './trial.ts'

export interface PlanOptions {
  readonly models: Models
  /** What the cache needs of the tables; default: nothing. */
  readonly tracking?: Tracking
  /** The folder `migrations/`; need not exist. */
  readonly directory: string
  readonly renames?: readonly RenameAnswer[]
  /** Everything that `renames` does not name is new. */
  readonly noRename?: boolean
  /** Names of losses that are accepted: `posts.title`, `mood.sad`. */
  readonly acceptLoss?: readonly string[]
  /** Where the trial runs; default PGlite in memory. */
  readonly shadow?: OpenShadow
}

export type MigrationPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'questions'; readonly possibleRenames: readonly RenameQuestion[] }
  | { readonly kind: 'refused'; readonly losses: readonly Loss[] }
  | {
      readonly kind: 'migration'
      readonly parts: readonly PlannedPart[]
      /** What the reviewer should know, as sentences without a full stop. */
      readonly warnings: readonly string[]
      /** Losses that were accepted. */
      readonly losses: readonly Loss[]
    }

/**
 * Plans the migration from the last one in the folder to the models.
 *
 * @returns  `questions` before anything else, then `refused`, then a `migration` whose SQL has passed its trial
 * @throws   MIGRATE_NOT_REVERSIBLE, MIGRATE_INVALID_MODELS, MIGRATE_UNKNOWN_RENAME, MIGRATE_MERGE_DIFFERS, MIGRATE_TOOL_MISSING
 */
export async function planMigration(options: PlanOptions): Promise<MigrationPlan> {
  const migrations = await readMigrations(options.directory)
  if (headsOf(migrations).length > 1) return planMerge(migrations, options)
  const before = lastSnapshot(migrations)
  const after = await snapshotOf(options.models, [before.id], options.tracking)
  const answer = await resolveRenames(before, after, { answers: options.renames ?? [], noRename: options.noRename ?? false })
  if ('questions' in answer) return { kind: 'questions', possibleRenames: answer.questions }
  const losses = lossesOf({ from: before, to: after, renamings: answer.renamings })
  const open = losses.filter(({ name }) => !isAccepted(name, options.acceptLoss ?? []))
  if (open.length > 0) return { kind: 'refused', losses: open }
  const parts = await planChange(before, after, answer.renamings)
  if (parts.length === 0) return { kind: 'none' }
  const untried = await runTrial({ before, after, parts, history: migrations }, options.shadow ?? pgliteShadow)
  return { kind: 'migration', parts, losses, warnings: [...notesFor(before, after, answer.renamings), ...untried] }
}

type Change = Pick<Part, 'from' | 'to' | 'renamings'>

function lossesOf({ from, to, renamings }: Change): Loss[] {
  return findLosses(relocate(from.ddl, to.ddl, renamings).ddl, to.ddl)
}

function isAccepted(name: string, accepted: readonly string[]): boolean {
  return accepted.some((it) => it.replace(/^public\./, '') === name)
}

/** The folders for one change, without trial; empty when nothing changes. */
export async function planChange(before: Snapshot, after: Snapshot, renamings: readonly Renaming[]): Promise<PlannedPart[]> {
  const parts = await Promise.all(partsOf(before, after, renamings).map(planPart))
  return parts.filter(({ up, down }) => up.length + down.length > 0)
}

async function planPart(part: Part): Promise<PlannedPart> {
  const back = { from: part.to, to: part.from, renamings: invert(part.renamings) }
  const [up, down] = [await statementsOf(part, part.transaction), await statementsOf(back, part.transaction)]
  const text = (title: string, statements: readonly string[], change: Change): string =>
    renderFile({
      title,
      transaction: part.transaction,
      statements,
      losses: lossesOf(change),
      notes: notesFor(change.from, change.to, change.renamings),
    })
  return {
    suffix: part.suffix,
    transaction: part.transaction,
    up,
    down,
    snapshot: part.to,
    upSql: text('Up: made by "plinth db migrate". Change it as you like until it is applied.', up, part),
    downSql: text('Down: takes up.sql back.', down, back),
  }
}

async function statementsOf({ from, to, renamings }: Change, transaction: boolean): Promise<string[]> {
  const statements = await statementsBetween(from, to, renamings)
  return statements.map(transaction ? withoutConcurrency : withConcurrency)
}

/** Restartable: an index that an earlier run finished is kept, one that is gone already is not missed. */
function withConcurrency(statement: string): string {
  return withoutConcurrency(statement)
    .replace(/^(CREATE (?:UNIQUE )?INDEX) /, '$1 CONCURRENTLY IF NOT EXISTS ')
    .replace(/^DROP INDEX /, 'DROP INDEX CONCURRENTLY IF EXISTS ')
}

interface Tried {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly parts: readonly PlannedPart[]
  readonly history: readonly Migration[]
}

/** @returns what the trial could not show, as a warning */
async function runTrial({ before, after, parts, history }: Tried, open: OpenShadow): Promise<string[]> {
  const extensions = extensionsNeeded(history, [...before.ddl, ...after.ddl])
  const shadow = await open(extensions)
  if (shadow === undefined) return [`not tried: no shadow database has the extensions ${extensions.join(', ')}`]
  try {
    const files = parts.map(({ upSql, downSql }) => ({ up: upSql, down: downSql }))
    const isCompared = await tryMigration(shadow.connection, { before, after, files, history })
    return isCompared
      ? []
      : ['tried after a replay of the migrations, but not compared with a fresh schema, because the models use what only SQL has made']
  } finally {
    await shadow.close()
  }
}

async function planMerge(migrations: readonly Migration[], options: PlanOptions): Promise<MigrationPlan> {
  const heads = headsOf(migrations)
  const after = await snapshotOf(
    options.models,
    heads.map(({ snapshot }) => snapshot.id),
    options.tracking,
  )
  const part = await mergePart(migrations, after, options.shadow ?? pgliteShadow)
  return { kind: 'migration', parts: [part], losses: [], warnings: [`joins ${heads.map(({ revision }) => revision).join(' and ')}`] }
}

/** A migration without statements, to be written by hand: data changes, functions, triggers. */
export async function emptyMigration(directory: string): Promise<Extract<MigrationPlan, { kind: 'migration' }>> {
  const before = lastSnapshot(await readMigrations(directory))
  const snapshot = { ...before, id: crypto.randomUUID(), prevIds: [before.id] }
  const file = (title: string): string => renderFile({ title, transaction: true, statements: [], losses: [], notes: [] })
  const part: PlannedPart = {
    suffix: '',
    transaction: true,
    up: [],
    down: [],
    snapshot,
    upSql: file('Up: written by hand.'),
    downSql: file('Down: must take up.sql back.'),
  }
  return { kind: 'migration', parts: [part], losses: [], warnings: [] }
}

/**
 * Writes the folders of a plan, numbered behind those that are there.
 *
 * @param message  becomes the folder's name: `Add heading` → `0002_add_heading`
 * @returns        names of the folders, in the order they are applied
 */
export async function writeMigration(
  directory: string,
  message: string,
  plan: Extract<MigrationPlan, { kind: 'migration' }>,
): Promise<string[]> {
  const last = Math.max(0, ...(await readMigrations(directory)).map(({ number }) => number))
  const written: string[] = []
  for (const [index, { suffix, upSql, downSql, snapshot }] of plan.parts.entries()) {
    const revision = [String(last + 1 + index).padStart(4, '0'), slugOf(message), ...(suffix === '' ? [] : [suffix])].join('_')
    await writeFolder(directory, revision, { up: upSql, down: downSql, snapshot })
    written.push(revision)
  }
  return written
}
